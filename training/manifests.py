"""Changes of a bundle after it was written."""

import hashlib
from typing import Any

from stream.files import replacing
from stream.model.bundle import MANIFEST_FILE, MODEL_FILE, Bundle, Manifest
from training.errors import ConversionError


def changed_manifest(bundle: Bundle, model: bytes, **changes: Any) -> Manifest:  # noqa: ANN401  (values of any field)
    """Return a manifest with changed fields, and with the hash of another model file."""
    files = bundle.manifest.files | {MODEL_FILE: hashlib.sha256(model).hexdigest()}
    fields = bundle.manifest.model_dump(by_alias=True, exclude_unset=True)
    return Manifest.model_validate(fields | changes | {"files": files})


def replace_model(bundle: Bundle, model: bytes, manifest: Manifest) -> None:
    """Replace a bundle's model file and its manifest. If one of them cannot be written, both stay as they are.

    Raises:
        ConversionError: A file cannot be written.
    """
    try:
        with replacing(bundle.path / MANIFEST_FILE) as new_manifest, replacing(bundle.path / MODEL_FILE) as new_model:
            text = manifest.model_dump_json(by_alias=True, indent=2, exclude_unset=True)
            new_manifest.write_text(text + "\n", encoding="utf-8")
            new_model.write_bytes(model)
    except OSError as error:
        raise ConversionError(f"cannot write to {bundle.path}: {error.strerror or error}") from error
