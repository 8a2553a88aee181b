"""`starling unpack`: a bundle in, a checkpoint out that can be trained further."""

# ruff: noqa: PLC0415 - TensorFlow takes seconds to import, and the user should see that something happens.

from pathlib import Path

from rich.console import Console

from stream.model.bundle import load_bundle


def unpack(wanted: Path, out: Path) -> None:
    """Make a checkpoint of a bundle, and say on stderr how near it is.

    Raises:
        StarlingError: The bundle cannot be used, or the checkpoint cannot be written.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    bundle = load_bundle(wanted)
    with console.status("starting TensorFlow"):
        from training.from_bundle.checkpoint import unpack_bundle

        difference = unpack_bundle(bundle, out)
    manifest = bundle.manifest
    console.print(
        f"{out} has the weights of {manifest.name}, as exact as {manifest.precision} keeps them; its logits differ "
        f"from the bundle's by {difference:.2g} on average",
        markup=False,
    )
