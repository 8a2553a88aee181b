"""The compression of models, by two measures: weights against weights, and a checkpoint against the artifact."""

from collections.abc import Sequence

from training.report.document import Table
from training.report.paper import Paper
from training.report.quantities import Quantity
from training.report.rows import Row
from training.report.tables import UNKNOWN, precision_name

_FLOAT32_BYTES = 4
_WEIGHTS = (
    "Weights to weights: size of the trainable weights of the first, as stored, by the file of the second. "
    "Checkpoint to artifact: size of the checkpoint's folder, with an optimiser's state if there is one, by that "
    "file."
)
_BERT_LARGE = (
    "BERT Large has about 340 M parameters, 1.36 GB in float32; with the two moments that Adam keeps of each it is "
    "4.08 GB, about the paper's 4 GB. The paper's MobileBERT checkpoint (299 MB) is three times its 32-bit file (98 "
    "MB) as well."
)


def table_of_compression(rows: Sequence[Row], paper: Paper | None) -> Table | None:
    """Compare every bundle with every TensorFlow model, and the paper's files with its checkpoints; None: no pair."""
    artifacts = {(row.model, row.precision): row for row in rows if row.weights_bytes is None and not row.from_paper}
    body = list(_paper_lines(paper)) if paper else []
    for large in {row.model: row for row in rows if row.weights_bytes is not None}.values():
        body += [_line(large, artifact) for artifact in artifacts.values()]
    if not body:
        return None
    head = ("From", "To", "Weights to weights", "Checkpoint to artifact")
    notes = (_WEIGHTS, *([_BERT_LARGE] if paper else []))
    return Table("Compression", head, tuple(body), notes, columns_of_words=2)


def _paper_lines(paper: Paper) -> list[tuple[str, str, str, str]]:
    text = paper.text
    large_weights = text.bert_large_parameters.value * _FLOAT32_BYTES
    files = {row.precision: row.file_bytes.value for row in paper.rows}
    lines = []
    for precision, size in files.items():
        name = f"MobileBERT, {precision_name(precision)}, {size / 1e6:.0f} MB (paper)"
        large = f"BERT Large, {text.bert_large_bytes.value / 1e9:g} GB (paper)"
        lines.append((large, name, _times(large_weights / size), _times(text.bert_large_bytes.value / size)))
    for precision, size in files.items():
        name = f"MobileBERT, {precision_name(precision)}, {size / 1e6:.0f} MB (paper)"
        checkpoint = f"MobileBERT, {text.mobilebert_bytes.value / 1e6:.0f} MB (paper)"
        lines.append((checkpoint, name, _times(files["float32"] / size), _times(text.mobilebert_bytes.value / size)))
    return lines


def _line(large: Row, artifact: Row) -> tuple[str, str, str, str]:
    size = artifact.mean(Quantity.FILE_BYTES)
    name = f"{artifact.model}, {precision_name(artifact.precision)}"
    return large.model, name, _ratio(large.weights_bytes, size), _ratio(large.checkpoint_bytes, size)


def _ratio(whole: float | None, part: float | None) -> str:
    return _times(whole / part) if whole and part else UNKNOWN


def _times(ratio: float) -> str:
    return f"{ratio:.3g} times"
