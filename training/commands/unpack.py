"""`starling unpack`: makes a checkpoint from a bundle, for further training."""

# ruff: noqa: PLC0415 - TensorFlow takes seconds to import; a progress message is shown before.

from pathlib import Path

from rich.console import Console

from stream.model.bundle import load_bundle
from training.evaluation.stored_calibration import uncalibrated_bundle


def unpack(name_or_path: Path, out: Path) -> None:
    """Make a checkpoint from a bundle, without its calibration; print on stderr how much their logits differ.

    Raises:
        StarlingError: The bundle cannot be used, or the checkpoint cannot be written.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    bundle = uncalibrated_bundle(load_bundle(name_or_path))
    with console.status("starting TensorFlow"):
        from training.from_bundle.checkpoint import unpack_bundle

        difference = unpack_bundle(bundle, out)
    manifest = bundle.manifest
    console.print(
        f"{out} has the weights of {manifest.name} at the accuracy of {manifest.precision}; its logits differ from the "
        f"bundle's by {difference:.2g} on average",
        markup=False,
    )
