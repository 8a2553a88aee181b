"""Changes of a bundle's manifest after the bundle was written."""

from typing import Any

from stream.files import replace_text
from stream.model.bundle import MANIFEST_FILE, Bundle, Manifest
from training.errors import ConversionError


def replace_manifest(bundle: Bundle, **changes: Any) -> None:  # noqa: ANN401  (values of any of the manifest's fields)
    """Change fields of a manifest atomically.

    Raises:
        ConversionError: The manifest cannot be written.
    """
    manifest = Manifest.model_validate(bundle.manifest.model_dump(by_alias=True) | changes)
    path = bundle.path / MANIFEST_FILE
    try:
        replace_text(path, manifest.model_dump_json(by_alias=True, indent=2) + "\n")
    except OSError as error:
        raise ConversionError(f"cannot write {path}: {error.strerror or error}") from error
