from collections.abc import Sequence
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.languages.policy import make_policy
from stream.model import bulk
from stream.model.bulk import BulkClassifier, LanguageRoutes, Outcome, label_lines
from stream.model.loading import Model, load_model
from stream.settings import DecisionSettings, LanguageSettings, LimitSettings, ModelSettings
from stream.tweets.labels import Label
from stream.tweets.rejections import Reason, RejectedTweetError
from tests.unit.fake_classifier import BUCKETS, FakeClassifier
from tests.unit.tiny_bundle import write_bundle

LIMITS = LimitSettings()
POLARITIES = {"awful": "negative", "train": "neutral", "lovely": "positive"}
BAD_LINES = {b"": Reason.EMPTY, b"hello": Reason.NOT_JSON, b'{"id":"x","text":"\\u0001"}': Reason.NOTHING_LEFT}
LINE_KINDS = st.sampled_from([*POLARITIES, *BAD_LINES])


def line_of(number: int, kind: str | bytes) -> bytes:
    return kind if isinstance(kind, bytes) else orjson.dumps({"id": number, "text": kind})


def seen(outcome: Outcome) -> tuple[str, str]:
    if isinstance(outcome, Label):
        return outcome.tweet.id, outcome.polarity
    return "rejected", outcome.reason


def expected(number: int, kind: str | bytes) -> tuple[str, str]:
    return ("rejected", BAD_LINES[kind]) if isinstance(kind, bytes) else (str(number), POLARITIES[kind])


@given(st.lists(LINE_KINDS, max_size=40), st.integers(1, 9))
def test_each_line_has_its_outcome_in_its_place(tiny_model: Model, kinds: list[str | bytes], chunk: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bulk, "CHUNK_LINES", chunk)
        lines = [line_of(number, kind) for number, kind in enumerate(kinds)]
        outcomes = [seen(outcome) for outcome in label_lines(tiny_model, lines, LIMITS)]
    assert outcomes == [expected(number, kind) for number, kind in enumerate(kinds)]


def test_more_lines_than_a_chunk_keep_their_order(tiny_model: Model) -> None:
    kinds = (list(POLARITIES) * bulk.CHUNK_LINES)[: 2 * bulk.CHUNK_LINES + 5]
    lines = (line_of(number, kind) for number, kind in enumerate(kinds))
    outcomes = [seen(outcome) for outcome in label_lines(tiny_model, lines, LIMITS)]
    assert outcomes == [expected(number, kind) for number, kind in enumerate(kinds)]


def test_settings_of_the_decision_apply_to_each_line(tiny_model: Model) -> None:
    lines = [line_of(number, kind) for number, kind in enumerate(("awful", "train", "lovely"))]
    strict = DecisionSettings(threshold=0.99, below_threshold="reject")
    outcomes = list(label_lines(tiny_model, lines, LIMITS, strict))
    assert [seen(outcome) for outcome in outcomes] == [("rejected", Reason.UNSURE)] * 3
    neutral = list(label_lines(tiny_model, lines, LIMITS, DecisionSettings(threshold=0.99)))
    assert [seen(outcome) for outcome in neutral] == [("0", "neutral"), ("1", "neutral"), ("2", "neutral")]


def test_each_line_is_labelled_by_the_model_of_its_language_in_the_order_of_the_input(tmp_path: Path) -> None:
    settings = LanguageSettings(policy="route", route_to=tmp_path, unrouted="reject", identify="never")
    models = [
        load_model(ModelSettings(path=write_bundle(tmp_path / name, {"name": name, "languages": [name]})))
        for name in ("en", "fr")
    ]
    languages = ["fr", "en", "de", None, "fr", "en"]
    lines = [orjson.dumps({"id": "1", "text": "lovely", "lang": lang}) for lang in languages]
    routes = LanguageRoutes(make_policy(settings), models[1])
    outcomes = list(label_lines(models[0], lines, LIMITS, routes=routes))
    named = [each.model.name if isinstance(each, Label) and each.model else seen(each) for each in outcomes]
    assert named == ["fr", "en", ("rejected", Reason.OTHER_LANGUAGE), "en", "fr", "en"]


def test_an_empty_input_gives_an_empty_output(tiny_model: Model) -> None:
    assert list(label_lines(tiny_model, [], LIMITS)) == []


def test_lines_that_are_all_rejected_need_no_inference(tiny_model: Model) -> None:
    outcomes = list(label_lines(tiny_model, [b"", b"hello"], LIMITS))
    assert [isinstance(outcome, RejectedTweetError) for outcome in outcomes] == [True, True]


def test_lines_are_held_to_the_limits(tiny_model: Model) -> None:
    lines = [orjson.dumps({"id": "1", "text": "lovely day"})]
    (outcome,) = label_lines(tiny_model, lines, LimitSettings(text_characters=9))
    assert seen(outcome) == ("rejected", Reason.TOO_LONG)


def test_no_more_is_read_ahead_than_a_chunk(tiny_model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "CHUNK_LINES", 3)
    lines = iter([line_of(number, "train") for number in range(100)])
    next(label_lines(tiny_model, lines, LIMITS))
    assert len(list(lines)) == 94


class _FakeModel:
    def __init__(self, classifiers: Sequence[FakeClassifier]) -> None:
        self.classifiers = classifiers


@given(st.lists(st.integers(1, BUCKETS[-1]), max_size=80), st.integers(1, 3))
def test_rows_come_in_the_order_of_the_input_whatever_their_lengths(lengths: list[int], interpreters: int) -> None:
    fakes = [FakeClassifier() for _ in range(interpreters)]
    with BulkClassifier(_FakeModel(fakes)) as classifier:  # type: ignore[arg-type]
        rows = classifier.submit([[number] * length for number, length in enumerate(lengths)]).result()
    assert rows[:, :2].tolist() == [[number, length] for number, length in enumerate(lengths)]
    assert max((len(batch) for fake in fakes for batch in fake.batches), default=0) <= 16


def test_a_batch_holds_tweets_of_like_lengths() -> None:
    fake = FakeClassifier()
    lengths = [1, 16] * 16
    with BulkClassifier(_FakeModel([fake])) as classifier:  # type: ignore[arg-type]
        classifier.submit([[1] * length for length in lengths]).result()
    assert [{len(ids) for ids in batch} for batch in fake.batches] == [{1}, {16}]


def test_an_inference_that_fails_fails_the_result() -> None:
    with BulkClassifier(_FakeModel([FakeClassifier(RuntimeError("out of memory"))])) as classifier:  # type: ignore[arg-type]
        pending = classifier.submit([[1]])
        with pytest.raises(RuntimeError, match="out of memory"):
            pending.result()


def test_the_shipped_model_labels_in_bulk_as_it_does_one_by_one(shipped_model: Model) -> None:
    texts = ["love it", "worst day ever, i am so angry", "see you at nine", "great " * 30]
    lines = [orjson.dumps({"id": str(number), "text": text}) for number, text in enumerate(texts)]
    for outcome in label_lines(shipped_model, lines, LIMITS):
        assert isinstance(outcome, Label)
        row = shipped_model.classifiers[0].probabilities([shipped_model.tokens(outcome.tweet).ids])[0]
        assert np.array(list(outcome.probabilities.values())) == pytest.approx(row, abs=1e-5)
