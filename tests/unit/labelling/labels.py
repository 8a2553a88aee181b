"""The labels that a pipeline makes of messages."""

from collections.abc import Sequence

from stream.labelling.pipeline import LabellingPipeline, MadeLabel, Outcome


async def only_label(labelling: LabellingPipeline, payload: bytes, received_at: float = 0.0) -> bytes:
    """Label a message that gets one label."""
    return payload_of(await labelling.label(labelling.read(payload), received_at))


def payload_of(outcomes: Sequence[Outcome]) -> bytes:
    """Return the only label."""
    (made,) = outcomes
    assert isinstance(made, MadeLabel)
    return made.payload
