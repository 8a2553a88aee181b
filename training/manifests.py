"""Writes into a bundle's manifest what was found out about the bundle after it was made."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stream.model.bundle import MANIFEST_FILE, Bundle, Manifest
from training.errors import ConversionError


def replace_manifest(bundle: Bundle, **changes: Any) -> None:  # noqa: ANN401  (of the manifest's own fields)
    """Change fields of a manifest, in one step: who reads it meanwhile gets the old one or the new one.

    Raises:
        ConversionError: It cannot be written.
    """
    manifest = Manifest.model_validate(bundle.manifest.model_dump(by_alias=True) | changes)
    path = bundle.path / MANIFEST_FILE
    try:
        with TemporaryDirectory(dir=bundle.path, prefix=".manifest-") as temporary:
            written = Path(temporary) / MANIFEST_FILE
            written.write_text(manifest.model_dump_json(by_alias=True, indent=2) + "\n", encoding="utf-8")
            written.replace(path)
    except OSError as error:
        raise ConversionError(f"cannot write {path}: {error.strerror or error}") from error
