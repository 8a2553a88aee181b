"""The calibration that a bundle's manifest states, and the bundle's logits and model file before it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream.model.bundle import Bundle, Manifest
from stream.model.private_copy import PrivateCopy
from stream.tweets.polarity import POLARITIES
from training.errors import ConversionError
from training.evaluation.last_layer import Affine, Replaced, unfold
from training.manifests import changed_manifest


@dataclass(frozen=True)
class StoredCalibration:
    """A change of the logits that was folded into a bundle's last layer."""

    change: Affine
    """Stored calibration; the classes are in the order of POLARITIES."""
    replaced: Sequence[Replaced]
    sha256: str
    """SHA-256 of the model file without the change."""

    def as_json(self) -> dict[str, Any]:
        """Return the change by class, and what is needed to undo it."""
        temperatures = np.round(1 / self.change.scale, 4).tolist()
        by_class = dict(zip(POLARITIES, temperatures, strict=True))
        return {
            **({"temperatures": by_class} if np.ptp(temperatures) else {"temperature": temperatures[0]}),
            "biases": dict(zip(POLARITIES, self.change.bias.tolist(), strict=True)),
            "folded": {
                "uncalibrated_sha256": self.sha256,
                "replaced": [piece.as_json() for piece in self.replaced],
            },
        }

    def uncalibrated(self, content: bytes) -> bytes:
        """Return the content of the model file before the calibration.

        Raises:
            ConversionError: The stored bytes do not give that file.
        """
        original = unfold(content, self.replaced)
        if hashlib.sha256(original).hexdigest() != self.sha256:
            raise ConversionError(
                "the calibration stored in the bundle's manifest cannot be undone: its bytes do not give the model "
                "file that it names; convert the checkpoint again"
            )
        return original


def stored_calibration(manifest: Manifest) -> StoredCalibration | None:
    """Read the calibration that is folded into a bundle; None without one.

    Raises:
        ConversionError: The manifest states it in another form.
    """
    stored = manifest.calibration
    if "folded" not in stored:
        return None
    try:
        folded = stored["folded"]
        by_class: Mapping[str, float] | None = stored.get("temperatures")
        temperatures = by_class or {polarity: float(stored["temperature"]) for polarity in POLARITIES}
        change = Affine(1 / _by_class(temperatures), _by_class(stored["biases"]))
        return StoredCalibration(
            change, [Replaced.from_json(piece) for piece in folded["replaced"]], str(folded["uncalibrated_sha256"])
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ConversionError(
            f"the calibration in the manifest of {manifest.name} cannot be read: {error!r}"
        ) from error


def uncalibrated_bundle(bundle: Bundle) -> Bundle:
    """Return a bundle without its calibration.

    Raises:
        ConversionError: The calibration cannot be undone.
    """
    stored = stored_calibration(bundle.manifest)
    content = bundle.model.path.read_bytes()
    if stored is not None:
        content = stored.uncalibrated(content)
    manifest = changed_manifest(bundle, content, temperature=1.0, calibration={})
    return replace(bundle, manifest=manifest, model=PrivateCopy([content], len(content)))


def _by_class(values: Mapping[str, float]) -> NDArray[np.float64]:
    return np.array([float(values[polarity]) for polarity in POLARITIES])
