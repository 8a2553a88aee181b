"""`starling classify`: label a file of tweets with the service's own model, without a broker."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import typer

from stream.commands.interrupt import stop_on_interrupt
from stream.commands.progress import tweet_progress
from stream.errors import InputError, NothingLabelledError
from stream.labelling.route import check_lists_languages, route_model
from stream.languages.policy import make_policy
from stream.model.bulk import LanguageRoutes, Outcome, label_lines
from stream.model.loading import Model, load_model
from stream.settings import DecisionSettings, LanguageSettings, LimitSettings, ModelSettings
from stream.tweets.labels import Label
from stream.tweets.reader import FileOptions, read_records
from stream.tweets.rejections import RejectedTweetError, RejectionCount
from stream.tweets.source import Source, open_source


def classify_file(
    name: str,
    model_settings: ModelSettings,
    options: FileOptions | None = None,
    decision: DecisionSettings | None = None,
    entity: str | None = None,
    languages: LanguageSettings | None = None,
) -> None:
    """Write one line of JSON to stdout for each tweet of a file, and a summary to stderr.

    Where the input pauses, everything that has arrived is labelled and written. After Ctrl-C, all that was read is.

    Args:
        name: The file, or `-` for stdin.
        model_settings: The settings of the model, or of a cascade.
        options: How the file is to be read.
        decision: The settings of the decision for a polarity; None: the most probable one.
        entity: The entity that the tweets without one of their own concern.
        languages: The settings about languages; None: languages are not detected.

    Raises:
        StarlingError: The model or the file cannot be read, or no tweet could be labelled.
        KeyboardInterrupt: Ctrl-C or SIGTERM ended the input.
    """
    model = load_model(model_settings)
    routes = _language_routes(model, model_settings, languages or LanguageSettings(policy="off"))
    labelled, rejections = 0, RejectionCount()
    with (
        open_source(name) as source,
        stop_on_interrupt(source.stop) as interrupt,
        tweet_progress("labelling", source) as done,
    ):
        messages = _Messages(source, options)
        for outcome in label_lines(model, messages, LimitSettings(), decision, entity, routes):
            sys.stdout.buffer.write(orjson.dumps(_as_json(outcome), option=orjson.OPT_APPEND_NEWLINE))
            if isinstance(outcome, Label):
                labelled += 1
            else:
                rejections.add(outcome)
            done()
        sys.stdout.buffer.flush()
    reasons = f": {rejections.reasons_in_words}" if rejections.total else ""
    typer.echo(f"{labelled} labelled, {rejections.total} rejected{reasons}", err=True)
    if messages.error:
        raise messages.error
    if interrupt.received:
        raise KeyboardInterrupt
    if not labelled:
        raise NothingLabelledError(f"no tweet of {source.name} could be labelled")


def _language_routes(model: Model, model_settings: ModelSettings, languages: LanguageSettings) -> LanguageRoutes:
    """Make the policy for languages, and load the model that tweets in other languages are routed to."""
    policy = make_policy(languages)
    other_settings = route_model(model_settings, languages)
    other = load_model(other_settings) if other_settings else None
    if other is not None:
        check_lists_languages(other)
    if languages.policy != "off":
        described = policy.describe([each.languages for each in (model, other) if each is not None])
        typer.echo(f"languages: {described}", err=True)
    return LanguageRoutes(policy, other)


class _Messages:
    """The messages of a source up to its first error, which is kept until those before it have been labelled."""

    def __init__(self, source: Source, options: FileOptions | None) -> None:
        self._records = read_records(source, options)
        self.error: InputError | None = None

    def __iter__(self) -> Iterator[bytes | RejectedTweetError | None]:
        try:
            for record in self._records:
                if record is None:
                    yield None
                    sys.stdout.buffer.flush()
                else:
                    yield record.content
        except InputError as error:
            self.error = error


def _as_json(outcome: Outcome) -> Mapping[str, Any]:
    if isinstance(outcome, Label):
        known_model = {"model": outcome.model.as_json()} if outcome.model is not None else {}
        return {**outcome.as_json(), **known_model}
    known_id = {"id": outcome.tweet_id} if outcome.tweet_id is not None else {}
    return {**known_id, "rejected": outcome.reason, "detail": outcome.detail}
