"""The settings: one TOML file, environment variables that override it, every key typed and described.

    STARLING_BROKER__HOST=broker.local starling run --config starling.toml

`starling settings` prints all of them as a commented starling.toml.
"""

import difflib
import math
import os
import re
import socket
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableVariableError

from stream.errors import SettingsError
from stream.mentions import Mentions
from stream.topic_filters import matches

ENVIRONMENT_PREFIX = "STARLING_"
CONFIG_VARIABLE = "STARLING_CONFIG"
"""Environment variable with the settings file's path, for commands without `--config`."""
NODE_PATTERN = r"^[^+#/\s\x00-\x1f\x7f-\x9f]{1,64}$"
"""Pattern of a node's name: it is one level of topics, and is shown on terminals."""
_MOST_SUM_ERROR = 0.016
"""Difference from 1 of the sum of three shares, at most: each may be rounded to two decimal places."""
MOST_PAYLOAD_BYTES = 1_048_576
"""The highest value of `limits.payload_bytes`: 64 messages of this size, the default in flight, have 64 MiB."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _bare(host: str) -> str:
    if not host or any(character in "/@" or character.isspace() for character in host):
        raise ValueError("write a name or an address alone, without URL, user or password: it is shown in logs")
    if host.startswith("[") or (":" in host and not _is_ipv6(host)):
        raise ValueError("write the port as a setting of its own (port = 1883), and an IPv6 address without brackets")
    return host


def _is_ipv6(host: str) -> bool:
    try:
        IPv6Address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _node_name(name: str) -> str:
    if not re.match(NODE_PATTERN, name):
        raise ValueError("a node's name has 1 to 64 characters, without spaces, '/', '+', '#' and control characters")
    return name


def _group_name(name: str) -> str:
    if not name or any(character in "+#/" for character in name):
        raise ValueError("a group's name has at least one character, without '/', '+' and '#'")
    return name


def _user_name(name: str) -> str:
    if not name or ":" in name:
        raise ValueError("a user's name has at least one character, without ':'")
    return name


def _without_wildcards(topic: str) -> str:
    if "+" in topic or "#" in topic:
        raise ValueError("a topic that is published to has no wildcards (+ or #)")
    return topic


def _language(tag: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", tag):
        raise ValueError("a language is a tag of BCP 47, for example en or pt-BR")
    return tag


def _language_code(code: str) -> str:
    if not re.fullmatch(r"[a-z]{2,3}", code):
        raise ValueError("a language is a code of two letters, for example en, or of three where there is none of two")
    return code


def _word(word: str) -> str:
    try:
        Mentions({word: [word]})
    except ValueError:
        raise ValueError(f"'{word}' has no letter, digit or symbol to look for, or is no hashtag or handle") from None
    return word


def _hashtag(tag: str) -> str:
    if not re.fullmatch(r"\w{1,128}", tag):
        raise ValueError("write the hashtag alone, without '#' and spaces")
    return tag


def _url(address: str, schemes: tuple[str, ...]) -> str:
    scheme, separator, rest = address.partition("://")
    if not separator or scheme not in schemes or not rest or any(part in rest for part in "@? ") or "#" in rest:
        raise ValueError(f"write {schemes[0]}://, a name and no user, password or query: it is shown in logs")
    return address.rstrip("/")


def _http_url(address: str) -> str:
    return _url(address, ("https", "http"))


def _websocket_url(address: str) -> str:
    return _url(address, ("wss", "ws"))


def _entity_name(name: str) -> str:
    if not name.isprintable() or name != " ".join(name.split()):
        raise ValueError("the name of an entity has single spaces, and neither line breaks nor control characters")
    return name


Host = Annotated[str, AfterValidator(_bare)]
Topic = Annotated[str, Field(min_length=1)]
EntityName = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_entity_name)]
MOST_ENTITIES = 1000
"""Entities that the settings may list: each has three time series in Prometheus."""
HttpUrl = Annotated[str, AfterValidator(_http_url)]
WebSocketUrl = Annotated[str, AfterValidator(_websocket_url)]
Language = Annotated[str, AfterValidator(_language)]
LanguageCode = Annotated[str, AfterValidator(_language_code)]
Word = Annotated[str, AfterValidator(_word)]


def _both_or_neither(section: _Section, one: str, other: str) -> None:
    if (getattr(section, one) is None) != (getattr(section, other) is None):
        raise ValueError(f"{one} and {other} belong together: give both or neither")


class BrokerSettings(_Section):
    """The MQTT broker and the node's connection to it."""

    host: Host = Field("localhost", description="Name or address of the broker, without its port.")
    port: int = Field(1883, ge=1, le=65535, description="Port of the broker; 8883 is usual with TLS.")
    protocol: Literal["auto", "5", "3.1.1"] = Field(
        "auto", description="Version of MQTT: '5', '3.1.1', or 'auto': 5, and 3.1.1 where the broker refuses 5."
    )
    username: str | None = Field(None, description="User name.")
    password_file: Path | None = Field(None, description="File with the user's password.")
    tls: bool = Field(
        default=False, description="Encrypt the connection, and verify the broker's certificate and name."
    )
    ca_file: Path | None = Field(None, description="Certificate authority to trust (PEM); default: the system's.")
    certificate_file: Path | None = Field(None, description="Client certificate (PEM), for brokers that require one.")
    key_file: Path | None = Field(None, description="Private key of the client certificate (PEM).")
    group: Annotated[str, AfterValidator(_group_name)] | None = Field(
        None,
        description="Group of nodes that share the tweets: each tweet goes to one of them; default: every tweet comes.",
    )
    receive_maximum: int = Field(64, ge=1, le=1024, description="Tweets in flight, at most.")
    behind_seconds: float = Field(
        2,
        gt=0,
        description="Seconds with the maximum of tweets in flight after which the node is behind, and leaves its group "
        "until it has caught up.",
    )
    keepalive_seconds: int = Field(
        30, ge=5, le=3600, description="Seconds of silence after which node and broker check the connection."
    )
    timeout_seconds: float = Field(10, gt=0, description="Seconds to wait for an answer of the broker.")
    session_expiry_seconds: int = Field(
        604_800, ge=0, description="Seconds that the broker keeps tweets for a node that is not connected (MQTT 5)."
    )
    reconnect_seconds: float = Field(60, gt=0, description="Seconds between two attempts to reconnect, at most.")
    wait_at_start: bool = Field(
        default=False, description="Keep trying if the broker cannot be reached at the start, instead of exiting."
    )
    proof_seconds: float = Field(
        300,
        ge=0,
        description="Time without a tweet after which the node sends a message to itself, to prove that tweets can "
        "arrive; also at the start. 0: never.",
    )
    sys_metrics: bool = Field(
        default=False,
        description="Export Mosquitto's own statistics ($SYS), for instance dropped messages. One node of a fleet is "
        "enough; two keep them available when one node is down.",
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.tls and (self.ca_file or self.certificate_file):
            raise ValueError("ca_file and certificate_file need tls = true")
        _both_or_neither(self, "certificate_file", "key_file")
        if self.password_file and not self.username:
            raise ValueError("password_file needs a username")
        return self


class TopicSettings(_Section):
    """Topics of tweets and results."""

    tweets: str | list[str] = Field(
        "tweets/in", description="Topic of tweets, or a list of topics; they may have wildcards (+ and #)."
    )
    labels: Topic = Field("tweets/polarity", description="Topic of labels, one for each tweet.")
    rejected: Topic = Field(
        "tweets/rejected", description="Topic of rejections: tweets without a label, and the reason."
    )
    response_prefixes: list[Topic] = Field(
        ["tweets/", "replies/"],
        description="Allowed beginnings of a tweet's response topic (MQTT 5), to which its label is published as well.",
    )

    @property
    def tweet_topics(self) -> tuple[str, ...]:
        """All topics of tweets."""
        return (self.tweets,) if isinstance(self.tweets, str) else tuple(dict.fromkeys(self.tweets))

    @field_validator("tweets")
    @classmethod
    def _not_empty(cls, topics: str | list[str]) -> str | list[str]:
        if not topics or ("" in topics and not isinstance(topics, str)):
            raise ValueError("name at least one topic, each with at least one character")
        return topics

    @field_validator("labels", "rejected")
    @classmethod
    def _no_wildcard(cls, topic: str) -> str:
        return _without_wildcards(topic)

    @model_validator(mode="after")
    def _no_circle(self) -> Self:
        for tweets in self.tweet_topics:
            for topic in (self.labels, self.rejected):
                if matches(tweets, topic):
                    raise ValueError(f"results sent to '{topic}' would come back as tweets from '{tweets}'")
        return self


class HttpSettings(_Section):
    """The HTTP server of the node's page, /metrics, /healthz and /readyz."""

    host: Host = Field("127.0.0.1", description="Address to listen on; 0.0.0.0: all addresses.")
    port: int = Field(9108, ge=0, le=65535, description="Port to listen on; 0: any free port.")
    certificate_file: Path | None = Field(
        None, description="Certificate and its chain for HTTPS (PEM); default: plain HTTP."
    )
    key_file: Path | None = Field(None, description="Private key of the certificate (PEM), without a passphrase.")
    username: Annotated[str, AfterValidator(_user_name)] | None = Field(
        None,
        description="User who may read the page and the metrics; default: everyone. /healthz and /readyz need no user: "
        "they give the node's name, its version and whether it works.",
    )
    password_file: Path | None = Field(None, description="File with the user's password.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        _both_or_neither(self, "certificate_file", "key_file")
        _both_or_neither(self, "username", "password_file")
        return self


def _thresholds(given: object) -> object:
    """Return the thresholds of the three classes.

    Raises:
        ValueError: They are neither one number from 0 to 1 nor three.
    """
    if given is None:
        return None
    each = [given] * 3 if _is_number(given) else given
    if not isinstance(each, list | tuple) or len(each) != 3 or not all(map(_is_number, each)):  # noqa: PLR2004  (classes)
        raise ValueError("write a number, or three for negative, neutral and positive: [0.3, 0.4, 0.2]")
    if not all(0 <= threshold <= 1 for threshold in each):
        raise ValueError("a threshold is a difference of probabilities, so it must be from 0 to 1")
    return tuple(each)


class ModelSettings(_Section):
    """The model and its use of the processor."""

    path: Path | None = Field(
        None,
        description="Folder of a model bundle, or a shipped one: `fast` (smaller), `reputation` (reads entities).",
    )
    interpreters: int | None = Field(
        None,
        ge=1,
        le=64,
        description="Inferences at the same time; default: the fastest number, measured at the start.",
    )
    threads: int | None = Field(
        None, ge=1, le=64, description="Threads of one inference; default: the fastest number, measured at the start."
    )
    max_batch: int = Field(
        8, ge=1, le=256, description="Tweets in one inference, at most, and fewer long ones; more are not faster."
    )
    repeats: int = Field(
        4096,
        ge=0,
        le=1_000_000,
        description="Number of texts whose result is kept, so that a retweet needs no inference; 0: none.",
    )
    cascade: Path | None = Field(
        None,
        description="Folder of a smaller bundle, or `first`, which is shipped for this, that labels first and passes "
        "on to the model above only the tweets that it is unsure of; default: none.",
    )
    cascade_threshold: Annotated[tuple[float, float, float] | None, BeforeValidator(_thresholds)] = Field(
        None,
        description="Difference of the two highest probabilities below which a tweet is passed on; or a list of three, "
        "for the most probable polarity negative, neutral and positive. `starling calibrate --cascade` fits it.",
    )

    @model_validator(mode="after")
    def _complete_cascade(self) -> Self:
        _both_or_neither(self, "cascade", "cascade_threshold")
        if self.cascade is not None and self.cascade == self.path:
            raise ValueError("cascade and path name the same bundle: the first one must be smaller")
        return self


class LimitSettings(_Section):
    """Limits, beyond which a tweet is rejected or the service is restarted."""

    payload_bytes: int = Field(
        131_072, ge=1, le=MOST_PAYLOAD_BYTES, description="Bytes of a message, at most; up to 1048576."
    )
    text_characters: int = Field(10_000, ge=1, description="Characters of a text, at most.")
    entities_per_tweet: int = Field(
        8, ge=1, le=64, description="Entities of one tweet that get a label, at most: the first ones that it mentions."
    )
    stuck_seconds: float = Field(
        60,
        gt=0,
        description="Seconds in progress after which a tweet means that the service is stuck, and is restarted.",
    )


class LabelSettings(_Section):
    """Content and format of labels and rejections."""

    format: Literal["json", "cloudevents", "cloudevents-binary"] = Field(
        "json",
        description="json: the label itself; cloudevents: CloudEvents 1.0 in JSON; cloudevents-binary: events with "
        "attributes as user properties (MQTT 5; over MQTT 3.1.1 as cloudevents).",
    )
    include_text: bool = Field(default=False, description="Include the tweet's text, which then leaves the device.")


def _shares(given: object) -> object:
    """Return the shares of three classes with the sum 1.

    Raises:
        ValueError: They are something else.
    """
    if given is None:
        return None
    if not isinstance(given, list | tuple) or len(given) != 3 or not all(map(_is_number, given)):  # noqa: PLR2004  (classes)
        raise ValueError("write three numbers, the shares of negative, neutral and positive tweets: [0.2, 0.5, 0.3]")
    if not all(0 < share < math.inf for share in given):
        raise ValueError("each share must be above 0, because a class with the share 0 is never found")
    if abs(sum(given) - 1) > _MOST_SUM_ERROR:
        raise ValueError(f"the shares must sum to 1, and these sum to {sum(given):.4g}")
    return tuple(share / sum(given) for share in given)


def _no_boolean(given: object) -> object:
    if isinstance(given, bool):
        raise ValueError("write a number, not true or false")  # noqa: TRY004  (pydantic expects a ValueError)
    return given


def _is_number(given: object) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool)


class DecisionSettings(_Section):
    """The decision for a polarity from the model's probabilities."""

    prior: Annotated[tuple[float, float, float] | None, BeforeValidator(_shares)] = Field(
        None,
        description="Shares of negative, neutral and positive tweets among those that arrive, e.g. [0.2, 0.5, 0.3]; "
        "the probabilities are weighted by them. Default: as the model was calibrated, usually for equal shares.",
    )
    threshold: Annotated[float, BeforeValidator(_no_boolean), Field(ge=0, le=1, allow_inf_nan=False)] | None = Field(
        None, description="Confidence below which a tweet does not get its most probable polarity; default: none."
    )
    below_threshold: Literal["neutral", "reject"] = Field(
        "neutral", description="Result below the threshold: the label neutral, or a rejection with the reason unsure."
    )

    @model_validator(mode="after")
    def _has_threshold(self) -> Self:
        if self.below_threshold == "reject" and self.threshold is None:
            raise ValueError("below_threshold = 'reject' needs a threshold")
        return self


class LanguageSettings(_Section):
    """The language of tweets, and the policy for languages that the model does not label."""

    policy: Literal["flag", "reject", "route", "off"] = Field(
        "flag",
        description="Tweets in other languages: flag (label them with language_supported = false), reject (with the "
        "reason other_language), or route (label them with the model of route_to); off: no language is detected.",
    )
    known: list[LanguageCode] | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Languages that the model labels, e.g. ['en']; default: those that its bundle lists. Without "
        "either the policy is off.",
    )
    identify: Literal["auto", "always", "never"] = Field(
        "auto",
        description="Identify the language from the text (always), or only read the publisher's `lang` (never); auto: "
        "always, and with the policy flag only if the extra `languages` is installed.",
    )
    publisher_weight: float = Field(
        0.3,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Weight of the publisher's `lang` against the text: 0: ignored, 1: always believed.",
    )
    model_file: Path | None = Field(
        None, description="Identification model of fastText; default: lid.176.ftz, of the extra `languages`."
    )
    route_to: Path | None = Field(
        None, description="Folder of the model bundle for languages that the usual model does not label."
    )
    unrouted: Literal["flag", "reject"] = Field(
        "flag", description="Tweets in languages that neither model labels, with the policy route: flag or reject."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.policy == "route") != (self.route_to is not None):
            raise ValueError("policy = 'route' and route_to, the second model, belong together: give both or neither")
        return self


class HomeAssistantSettings(_Section):
    """The node as a device in Home Assistant, by MQTT discovery."""

    enabled: bool = Field(
        default=False, description="Publish the node's numbers, and describe them for Home Assistant's MQTT discovery."
    )
    prefix: Annotated[Topic, AfterValidator(_without_wildcards)] = Field(
        "homeassistant", description="Beginning of the discovery topics, as it is set in Home Assistant."
    )
    interval_seconds: float = Field(10, ge=1, le=3600, description="Seconds between two publications of the numbers.")


class PowerSettings(_Section):
    """The source of power measurements: the meter, or the machine's own counters."""

    port: str | None = Field(
        None,
        min_length=1,
        description="Serial port of the meter, e.g. /dev/ttyACM0, or its USB id, e.g. usb:2341:0043, as "
        "`starling power list` shows them; default: no meter.",
    )
    source: Literal["auto", "meter", "pmic", "hwmon", "rapl", "none"] = Field(
        "auto",
        description="Source of measurements: the meter, the Pi 5's power management chip, the kernel's power sensors, "
        "or the processor's counters; auto: the meter if a port is set, else the first of these that is available.",
    )
    supply_volts: float | None = Field(
        None,
        gt=0,
        le=60,
        description="Volts of the supply whose current is measured; default: those of the meter's own supply.",
    )
    variant: Literal[5, 20, 30] | None = Field(
        None, description="Range of the ACS712 in amperes: 5, 20 or 30; default: the range stored in the meter."
    )
    gain: float | None = Field(
        None,
        ge=-2,
        le=2,
        description="True amperes per indicated ampere, from `starling power calibrate`; default: the datasheet.",
    )
    bandgap_volts: float | None = Field(
        None,
        ge=0.9,
        le=1.3,
        description="Volts of the Uno's 1.1 V reference, from `starling power calibrate`; default: 1.1 V, within 10 %.",
    )
    window_seconds: float = Field(60, ge=1, le=3600, description="Seconds over which joules per tweet are averaged.")


class FeedSettings(_Section):
    """Posts from a public stream to the broker (`starling feed`), on the first topic of `topics.tweets`."""

    changes_topic: Topic = Field(
        "tweets/changes", description="Topic of deletions, edits and gaps, so that consumers can honour them."
    )
    languages: list[Language] = Field(
        [], description='Languages of the posts to publish, e.g. ["en", "de"]; empty: posts in all languages.'
    )
    words: list[Word] = Field(
        [],
        description="Words, phrases, #hashtags or @handles, in any case; a post must have one; empty: all posts.",
    )
    only_entities: bool = Field(
        default=False, description="Publish only posts that mention one of the settings' entities."
    )
    authors: bool = Field(
        default=False,
        description="Publish the identifier of a post's author, which is personal data; otherwise it is left out.",
    )
    in_flight: int = Field(200, ge=1, le=4096, description="Messages sent and not confirmed by the broker, at most.")
    queue: int = Field(
        500,
        ge=1,
        le=100_000,
        description="Posts that wait for the broker, at most; when the queue is full the source is not read any more.",
    )
    state_folder: Path | None = Field(
        None,
        description="Folder of the positions in the sources; default: systemd's state folder of the unit, or "
        "~/.local/state/starling.",
    )
    cursor_seconds: float = Field(
        1,
        gt=0,
        le=60,
        description="Seconds between two writes of the position; after a crash, the posts of this time are repeated.",
    )
    silence_seconds: float = Field(
        60, gt=0, description="Seconds without data from the source after which its connection counts as lost."
    )
    reconnect_seconds: float = Field(
        60, gt=0, description="Seconds between two attempts to reconnect to the source, at most."
    )
    http_port: int = Field(
        9109, ge=0, le=65535, description="Port of the feeder's /metrics, /healthz and /readyz; 0: any free port."
    )

    @field_validator("changes_topic")
    @classmethod
    def _no_wildcard(cls, topic: str) -> str:
        return _without_wildcards(topic)


class BlueskySettings(_Section):
    """Bluesky's Jetstream (`starling feed bluesky`)."""

    version: Literal["1", "2"] = Field("2", description="Version of Jetstream's protocol: '1' or '2'.")
    instances: list[WebSocketUrl] = Field(
        [],
        description="Addresses of Jetstream servers (wss://…), tried in turn; default: Bluesky's public ones.",
    )
    compress: bool | None = Field(
        None,
        description="Receive data compressed with zstd; needs the extra `feed`, and with version 1 dictionary_file; "
        "default: if they are there.",
    )
    dictionary_file: Path | None = Field(
        None, description="zstd dictionary of version 1; with version 2 the server sends its own."
    )


class MastodonSettings(_Section):
    """A Mastodon server's streaming API (`starling feed mastodon`)."""

    server: HttpUrl = Field("https://mastodon.social", description="Address of the server.")
    stream: Literal["public", "public:local", "hashtag", "hashtag:local"] = Field(
        "public:local",
        description="All public posts that the server knows (public), those of its own users (public:local), or those "
        "with a hashtag.",
    )
    hashtag: Annotated[str, AfterValidator(_hashtag)] | None = Field(
        None, description="Hashtag of the streams hashtag and hashtag:local, without '#'."
    )
    token_file: Path | None = Field(
        None, description="File with a user's access token with the scope read:statuses, which servers need since 4.2."
    )
    transport: Literal["http", "websocket"] = Field(
        "http", description="Transport: http (server-sent events) or websocket."
    )
    content_warnings: Literal["include", "omit", "exclude"] = Field(
        "include",
        description="Posts with a content warning: include the warning in the text, omit it, or exclude these posts.",
    )
    indexable_only: bool = Field(
        default=True, description="Leave out posts of users who do not want search engines to index them (noindex)."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.stream.startswith("hashtag") != (self.hashtag is not None):
            raise ValueError("hashtag belongs to the streams hashtag and hashtag:local: give both or neither")
        return self


class XSettings(_Section):
    """X's filtered stream (`starling feed x`), for which X charges each post."""

    server: HttpUrl = Field("https://api.x.com", description="Address of the API.")
    token_file: Path | None = Field(None, description="File with the app's bearer token.")
    backfill_minutes: int = Field(
        0,
        ge=0,
        le=5,
        description="Minutes of posts to fetch again after a lost connection, at most; needs Enterprise access.",
    )
    keepalive_seconds: float = Field(
        25, gt=0, description="Seconds without a post or a keep-alive line (every 20 s) after which to reconnect."
    )
    dollars_per_post: float = Field(
        0.005, ge=0, description="Price of a post in US dollars, for the estimate of the costs."
    )


class EntitySettings(_Section):
    """An entity whose reputation is observed: a company, a product, a person."""

    name: EntityName = Field(description="Name, as the model reads it and labels and metrics show it.")
    aliases: list[EntityName] = Field(
        [],
        max_length=1000,
        description="Other names: words, hashtags and handles, in any case. One that begins with # or @ is found only "
        "as this hashtag or handle.",
    )
    match_name: bool = Field(default=True, description="Whether the name is one of the aliases.")
    topic: Topic | None = Field(
        None, description="Topic to which this entity's labels are published too; default: none."
    )

    @property
    def all_aliases(self) -> list[str]:
        """The names by which tweets mention the entity."""
        return [*([self.name] if self.match_name else []), *self.aliases]

    @field_validator("topic")
    @classmethod
    def _no_wildcard(cls, topic: str | None) -> str | None:
        if topic is not None and ("+" in topic or "#" in topic or topic.startswith(("$", "starling/"))):
            raise ValueError("it has no wildcards (+ or #), and begins neither with $ nor with starling/")
        return topic


class LogSettings(_Section):
    """The log on stderr."""

    format: Literal["text", "json"] = Field(
        "text", description="text: lines for people; json: one JSON object per line."
    )


class Settings(BaseSettings):
    """All settings of a node."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    node: Annotated[str, AfterValidator(_node_name)] = Field(
        default_factory=socket.gethostname,
        description="Name of this node in labels, topics and metrics; default: the host's name.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Lowest level of log messages.")
    log: LogSettings = LogSettings()
    broker: BrokerSettings = BrokerSettings()
    topics: TopicSettings = TopicSettings()
    http: HttpSettings = HttpSettings()
    model: ModelSettings = ModelSettings()
    decision: DecisionSettings = DecisionSettings()
    languages: LanguageSettings = LanguageSettings()
    limits: LimitSettings = LimitSettings()
    labels: LabelSettings = LabelSettings()
    home_assistant: HomeAssistantSettings = HomeAssistantSettings()
    power: PowerSettings = PowerSettings()
    feed: FeedSettings = FeedSettings()
    bluesky: BlueskySettings = BlueskySettings()
    mastodon: MastodonSettings = MastodonSettings()
    x: XSettings = XSettings()
    entities: list[EntitySettings] = Field(
        [],
        max_length=MOST_ENTITIES,
        description="Entities whose reputation is observed: a tweet without `entity` gets a label for each one that it "
        "mentions.",
    )

    @field_validator("entities")
    @classmethod
    def _different(cls, entities: list[EntitySettings]) -> list[EntitySettings]:
        names: dict[str, str] = {}
        for entity in entities:
            if (same := names.get(entity.name.casefold())) is not None:
                raise ValueError(f"two entities have the name '{same}', in upper or lower case")
            names[entity.name.casefold()] = entity.name
        Mentions({entity.name: entity.all_aliases for entity in entities})
        return entities

    @field_validator("entities")
    @classmethod
    def _no_circle_of_labels(cls, entities: list[EntitySettings], info: ValidationInfo) -> list[EntitySettings]:
        topics = info.data.get("topics")
        if not isinstance(topics, TopicSettings):
            return entities
        for entity in entities:
            if entity.topic in {topics.labels, topics.rejected}:
                raise ValueError(f"the topic of '{entity.name}' is that of all labels or rejections: name another one")
            for tweets in topics.tweet_topics:
                if entity.topic is not None and matches(tweets, entity.topic):
                    raise ValueError(f"labels sent to '{entity.topic}' would come back as tweets from '{tweets}'")
        return entities

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  (the library's signature)
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Use the arguments alone: load_settings has read the environment and the file."""
        return (init_settings,)


def load_settings(
    path: Path | None = None, overrides: Mapping[str, Any] | None = None, overrides_from: str = "the settings"
) -> Settings:
    """Read the settings from a file and the environment.

    Args:
        path: The TOML file; None: the one that STARLING_CONFIG names, or none.
        overrides: Sections and keys, in the form of the file's, that override the file and the environment.
        overrides_from: Origin of the overrides, for errors: `--broker localhost`.

    Raises:
        SettingsError: The file cannot be read, or a key in it or in the environment is unknown or wrong.
    """
    path = path or _path_from_environment()
    sources = [_Source(str(path), _read_toml(path))] if path else []
    _check_environment()
    sources.append(_Source("the environment", _from_environment()))
    sources.append(_Source(overrides_from, overrides or {}))
    merged: Mapping[str, Any] = {}
    for source in sources:
        merged = _merged(merged, source.values)
    try:
        return Settings(**merged)
    except ValidationError as error:
        raise SettingsError(_explained(error, sources)) from error


@dataclass(frozen=True)
class _Source:
    """Settings of one origin."""

    name: str
    values: Mapping[str, Any]

    def sets(self, location: tuple[str, ...]) -> bool:
        """Return whether it has a value at a location, or one that contains the location."""
        values: Any = self.values
        for part in location:
            if not isinstance(values, Mapping):
                return True
            if part not in values:
                return False
            values = values[part]
        return bool(location)


def _path_from_environment() -> Path | None:
    named = os.environ.get(CONFIG_VARIABLE)
    return Path(named) if named else None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        content = path.read_bytes()
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise SettingsError(f"{path} is UTF-16: save it as UTF-8")
        return tomllib.loads(content.decode("utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"cannot read the settings file {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}") from error


def _check_environment() -> None:
    """Refuse a misspelt first part, which pydantic-settings ignores."""
    for variable in os.environ:
        key = variable.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")[0]
        if variable.startswith(ENVIRONMENT_PREFIX) and variable != CONFIG_VARIABLE and key not in Settings.model_fields:
            raise SettingsError(f"{_unknown(key, Settings.model_fields)} in the environment variable {variable}")


def _from_environment() -> dict[str, Any]:
    try:
        return EnvSettingsSource(Settings)()
    except UnreadableVariableError as error:
        example = f"""{ENVIRONMENT_PREFIX}TOPICS__RESPONSE_PREFIXES='["replies/"]'"""
        raise SettingsError(f"{error}: in the environment, sections and lists are JSON, as in {example}") from error


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        nested = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merged(merged[key], value) if nested else value
    return merged


def _explained(error: ValidationError, sources: Sequence[_Source]) -> str:
    first = error.errors(include_url=False)[0]
    location = tuple(str(part) for part in first["loc"])
    where = _origin(location, first["msg"], sources)
    if first["type"] == "extra_forbidden":
        return f"{_unknown('.'.join(location), _keys_beside(location))} in {where}"
    message = first["msg"].removeprefix("Value error, ")
    return f"{'.'.join(_key(location)) or 'the settings'} in {where}: {message[:1].lower()}{message[1:]}"


def _key(location: tuple[str, ...]) -> tuple[str, ...]:
    """Return a location without the names that pydantic adds for the types of a union."""
    return tuple(part for part in location if re.fullmatch(r"\w+", part) and part not in {"str", "list"})


def _origin(location: tuple[str, ...], message: str, sources: Sequence[_Source]) -> str:
    """Name the file, the variable or the option that a wrong value came from."""
    key = _key(location)
    merged: Mapping[str, Any] = {}
    for source in sources:
        merged = _merged(merged, source.values)
        if source.sets(key) and _has_error(merged, location, message):
            return _variable(key, source.values) if source.name == "the environment" else source.name
    return "the settings"


def _has_error(values: Mapping[str, Any], location: tuple[str, ...], message: str) -> bool:
    """Return whether these values alone give an error."""
    try:
        Settings(**values)
    except ValidationError as error:
        return any(
            each["msg"] == message and tuple(map(str, each["loc"])) == location
            for each in error.errors(include_url=False)
        )
    return False


def _variable(key: tuple[str, ...], values: Mapping[str, Any]) -> str:
    """Name the environment variables that set a key; several where the error concerns a whole section."""
    for length in range(len(key), 0, -1):
        name = ENVIRONMENT_PREFIX + "__".join(key[:length]).upper()
        for variable in os.environ:
            if variable.upper() == name:
                return f"the environment variable {variable}"
    section = values.get(key[0]) if key else None
    names = [f"{ENVIRONMENT_PREFIX}{key[0]}__{name}".upper() for name in section] if isinstance(section, dict) else []
    return f"the environment variable {' and '.join(names)}" if names else "the environment"


def _keys_beside(location: tuple[str, ...]) -> list[str]:
    model: type[BaseModel] = Settings
    for part in location[:-1]:
        if part.isdigit():  # the place in a list, whose elements the model describes
            continue
        annotation = model.model_fields[part].annotation
        element = next(iter(get_args(annotation)), annotation)
        if not (isinstance(element, type) and issubclass(element, BaseModel)):
            return []
        model = element
    return [".".join((*location[:-1], name)) for name in model.model_fields]


def _unknown(key: str, known: Mapping[str, Any] | list[str]) -> str:
    close = difflib.get_close_matches(key, list(known), n=1)
    return f"unknown setting '{key}'" + (f" (did you mean '{close[0]}'?)" if close else "")
