"""How much smaller the artifact is, both ways: weights against weights, and a training checkpoint against it."""

from collections.abc import Sequence

from training.report.document import Table
from training.report.paper import Paper
from training.report.quantities import Quantity
from training.report.rows import Row
from training.report.tables import UNKNOWN, precision_name

_BERT_LARGE_PARAMETERS = 335e6
_FLOAT32_BYTES = 4
_WEIGHTS = """
Weights to weights: the trainable weights of the one as stored, by the file of the other. Checkpoint to artifact: all
that the checkpoint's folder holds, an optimiser's state included, by that file.
"""
_BERT_LARGE = """
BERT Large has 335 M parameters, 1.34 GB in float32; with the two moments that Adam keeps of each it is 4.02 GB, the
paper's 4 GB.
"""
_NOTES = " ".join(_WEIGHTS.split()), " ".join(_BERT_LARGE.split())


def table_of_compression(rows: Sequence[Row], paper: Paper) -> Table:
    """Set every bundle against every TensorFlow model, and the paper's 8-bit MobileBERT against its BERT Large."""
    artifacts = {(row.model, row.precision): row for row in rows if row.weights_bytes is None and not row.from_paper}
    body = [_paper_line(paper)]
    for large in {row.model: row for row in rows if row.weights_bytes is not None}.values():
        body += [_line(large, artifact) for artifact in artifacts.values()]
    return Table(
        "Compression",
        ("From", "To", "Weights to weights", "Checkpoint to artifact"),
        tuple(body),
        _NOTES,
        columns_of_words=2,
    )


def _paper_line(paper: Paper) -> tuple[str, str, str, str]:
    small = next(row.file_bytes for row in paper.rows if row.precision == "int8" and row.file_bytes)
    weights = _BERT_LARGE_PARAMETERS * _FLOAT32_BYTES
    both = _times(weights / small.value), _times(paper.bert_large_bytes.value / small.value)
    return ("BERT Large (paper)", f"MobileBERT, 8 bit, {small.value / 1e6:.0f} MB (paper)", *both)


def _line(large: Row, artifact: Row) -> tuple[str, str, str, str]:
    size = artifact.mean(Quantity.FILE_BYTES)
    name = f"{artifact.model}, {precision_name(artifact.precision)}"
    return large.model, name, _ratio(large.weights_bytes, size), _ratio(large.checkpoint_bytes, size)


def _ratio(whole: float | None, part: float | None) -> str:
    return _times(whole / part) if whole and part else UNKNOWN


def _times(ratio: float) -> str:
    return f"{ratio:.3g} times"
