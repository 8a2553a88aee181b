"""Converts a MobileBERT of the published size, with random weights, at each precision, and prints the agreement.

Run it as `python -m tests.training.mobilebert_at_full_size`; it takes minutes, so it is not part of the test suite.
"""

import tempfile
from pathlib import Path

from stream.model.bundle import MODEL_FILE, Precision
from training.bundling import Conversion, make_bundle
from training.random_weights import ABOUT, labelled_by, random_checkpoint

PRECISIONS: tuple[Precision, ...] = ("float32", "float16", "int8")


def main() -> None:
    """Print a line for each precision."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        checkpoint = random_checkpoint(folder / "checkpoint")
        tweets = labelled_by(checkpoint)
        for precision in PRECISIONS:
            out = folder / precision
            agreement = make_bundle(Conversion(checkpoint, ABOUT, precision), tweets, "random", out, lambda _: None)
            megabytes = (out / MODEL_FILE).stat().st_size / 1e6
            print(f"{precision}: {megabytes:.1f} MB, {agreement.as_json()}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
