"""The settings: one TOML file, environment variables over it, every key typed and described.

    STARLING_BROKER__HOST=broker.local starling run --config starling.toml

`starling settings` prints all of them as a commented starling.toml.
"""

import difflib
import os
import socket
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableVariableError

from stream.errors import SettingsError
from stream.topic_filters import matches

ENVIRONMENT_PREFIX = "STARLING_"
CONFIG_VARIABLE = "STARLING_CONFIG"
"""Names the settings file where no `--config` does."""
NODE_PATTERN = r"^[^+#/\s\x00-\x1f\x7f-\x9f]{1,64}$"
"""A node's name is a level of its topics, and is shown on terminals."""
MOST_PAYLOAD_BYTES = 1_048_576
"""The highest that `limits.payload_bytes` can be: a full window of such messages is 64 MiB."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _bare(host: str) -> str:
    if not host or any(character in "/@" or character.isspace() for character in host):
        raise ValueError("a name or an address alone, for it is shown in errors and logs: no URL, no user, no password")
    return host


Host = Annotated[str, AfterValidator(_bare)]


def _both_or_neither(section: _Section, one: str, other: str) -> None:
    if (getattr(section, one) is None) != (getattr(section, other) is None):
        raise ValueError(f"{one} and {other} belong together: give both or neither")


class BrokerSettings(_Section):
    """The MQTT broker and how to behave towards it."""

    host: Host = Field("localhost", description="The broker's name or address.")
    port: int = Field(1883, ge=1, le=65535, description="The broker's port; 8883 is usual with TLS.")
    protocol: Literal["5", "3.1.1"] = Field("5", description="The version of MQTT: '5' or '3.1.1'.")
    username: str | None = Field(None, description="The user to log in as.")
    password_file: Path | None = Field(None, description="The file that holds the user's password.")
    tls: bool = Field(default=False, description="Encrypt, and verify the broker's certificate and name.")
    ca_file: Path | None = Field(None, description="Certificate authority to trust; left out: the system's.")
    certificate_file: Path | None = Field(None, description="The client certificate, for brokers that ask for one.")
    key_file: Path | None = Field(None, description="The client certificate's private key.")
    group: str | None = Field(
        None,
        pattern=r"^[^+#/]+$",
        description="Share the tweets with the other nodes of this group: each tweet goes to one of them.",
    )
    receive_maximum: int = Field(64, ge=1, le=1024, description="The window: tweets held at once, at most.")
    behind_seconds: float = Field(
        2, gt=0, description="A window that is full for longer means that the node is behind, and leaves its group."
    )
    keepalive_seconds: int = Field(30, ge=5, le=3600, description="Silence after which either side checks the other.")
    timeout_seconds: float = Field(10, gt=0, description="How long the broker may take to answer.")
    session_expiry_seconds: int = Field(
        604_800, ge=0, description="How long the broker keeps tweets for a node that is away (MQTT 5)."
    )
    reconnect_seconds: float = Field(60, gt=0, description="The longest wait between two attempts to reconnect.")
    wait_at_start: bool = Field(
        default=False, description="Keep trying where the broker cannot be reached at the start, instead of giving up."
    )
    sys_metrics: bool = Field(
        default=False,
        description="Export Mosquitto's own figures ($SYS) too, dropped messages above all; one node of a fleet is "
        "enough, two are safe.",
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
    """Where tweets come from and results go to."""

    tweets: str = Field("tweets/in", min_length=1, description="Tweets come in here; wildcards are welcome.")
    labels: str = Field("tweets/polarity", min_length=1, description="A label for each tweet goes out here.")
    rejected: str = Field("tweets/rejected", min_length=1, description="Tweets that cannot be labelled, and why.")
    response_prefixes: list[Annotated[str, Field(min_length=1)]] = Field(
        ["tweets/", "replies/"],
        description="A tweet's response topic (MQTT 5) is honoured if it begins with one of these.",
    )

    @field_validator("labels", "rejected")
    @classmethod
    def _no_wildcard(cls, topic: str) -> str:
        if "+" in topic or "#" in topic:
            raise ValueError("a topic that is published to has no wildcards (+ or #)")
        return topic

    @model_validator(mode="after")
    def _no_circle(self) -> Self:
        for topic in (self.labels, self.rejected):
            if matches(self.tweets, topic):
                raise ValueError(f"results sent to '{topic}' would come back as tweets from '{self.tweets}'")
        return self


class HttpSettings(_Section):
    """Where the node's page, /metrics, /healthz and /readyz are served."""

    host: Host = Field("127.0.0.1", description="The address to listen on; 0.0.0.0 is every one.")
    port: int = Field(9108, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    certificate_file: Path | None = Field(
        None, description="The certificate to serve HTTPS with, and its chain; left out: plain HTTP."
    )
    key_file: Path | None = Field(None, description="The certificate's private key, without a passphrase.")
    username: str | None = Field(
        None,
        pattern="^[^:]+$",
        description="The user who may read the page and the metrics; left out: anybody. /healthz and /readyz ask for "
        "none, for a supervisor needs them: they tell the node's name, its version and whether it works.",
    )
    password_file: Path | None = Field(None, description="The file that holds the user's password.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        _both_or_neither(self, "certificate_file", "key_file")
        _both_or_neither(self, "username", "password_file")
        return self


class ModelSettings(_Section):
    """The model and the share of the machine that it gets."""

    path: Path | None = Field(
        None,
        description="A model bundle's folder, or `fast`, the smaller of the two that come along; left out: the other.",
    )
    interpreters: int | None = Field(
        None, ge=1, le=64, description="Inferences that run side by side; left out: as is fastest, measured at start."
    )
    threads: int | None = Field(
        None, ge=1, le=64, description="Threads that share one inference; left out: as is fastest, measured at start."
    )
    max_batch: int = Field(8, ge=1, le=256, description="Tweets in one inference, at most; more gain nothing.")
    repeats: int = Field(
        4096,
        ge=0,
        le=1_000_000,
        description="Texts whose result is remembered, so that a retweet costs no inference; 0: none.",
    )


class LimitSettings(_Section):
    """What is taken in before it is refused."""

    payload_bytes: int = Field(
        131_072, ge=1, le=MOST_PAYLOAD_BYTES, description="The largest message that is read; a mebibyte at most."
    )
    text_characters: int = Field(10_000, ge=1, description="The longest text that is read.")
    stuck_seconds: float = Field(
        60, gt=0, description="A tweet under way for longer means that the service is stuck, and is to be restarted."
    )


class LabelSettings(_Section):
    """What a label says."""

    include_text: bool = Field(default=False, description="Send the tweet's text along; it leaves the device then.")


class PowerSettings(_Section):
    """What tells how much energy is drawn: the meter, or the machine's own counters."""

    port: str | None = Field(
        None,
        min_length=1,
        description="The meter's serial port, e.g. /dev/ttyACM0, or its USB id, e.g. usb:2341:0043, as "
        "`starling power list` shows them; left out: no meter.",
    )
    source: Literal["auto", "meter", "pmic", "hwmon", "rapl", "none"] = Field(
        "auto",
        description="Where energy comes from: the meter, the Pi 5's power chip, the kernel's power sensors, or the "
        "processor's counters; auto: the meter where a port is set, else the first of these that is there.",
    )
    supply_volts: float | None = Field(
        None,
        gt=0,
        le=60,
        description="The voltage of the supply whose current is measured; left out: the meter's own, measured by it.",
    )
    variant: Literal[5, 20, 30] | None = Field(
        None, description="The ACS712's range in amperes: 5, 20 or 30; left out: as the meter itself has it stored."
    )
    gain: float | None = Field(
        None,
        ge=-2,
        le=2,
        description="True amperes over indicated ones, found by `starling power calibrate`; left out: the datasheet's.",
    )
    bandgap_volts: float | None = Field(
        None,
        ge=0.9,
        le=1.3,
        description="The Uno's own 1.1 V reference, found by `starling power calibrate`; left out: 1.1 V, within 10 %.",
    )
    window_seconds: float = Field(60, ge=1, le=3600, description="Over how long joules per tweet are taken.")


class Settings(BaseSettings):
    """All settings of a node."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    node: str = Field(
        default_factory=socket.gethostname,
        pattern=NODE_PATTERN,
        description="This node's name in labels, topics and metrics; left out: the host's name.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="What is worth a line.")
    broker: BrokerSettings = BrokerSettings()
    topics: TopicSettings = TopicSettings()
    http: HttpSettings = HttpSettings()
    model: ModelSettings = ModelSettings()
    limits: LimitSettings = LimitSettings()
    labels: LabelSettings = LabelSettings()
    power: PowerSettings = PowerSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  (the library's signature)
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what load_settings gives, which has read the environment and set its rank."""
        return (init_settings,)


def load_settings(path: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read the settings from a file and the environment.

    Args:
        path: The TOML file; left out: the one that STARLING_CONFIG names, or none.
        overrides: Sections and keys, as the file would have them, that go over the file's and the environment's.

    Raises:
        SettingsError: The file cannot be read, or a key in it or in the environment is unknown or wrong.
    """
    path = path or _path_from_environment()
    from_file = _read_toml(path) if path else {}
    _check_environment()
    try:
        return Settings(**_merged(_merged(from_file, _from_environment()), overrides or {}))
    except ValidationError as error:
        raise SettingsError(_explained(error, from_file, path)) from error


def _path_from_environment() -> Path | None:
    named = os.environ.get(CONFIG_VARIABLE)
    return Path(named) if named else None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read the settings file {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}") from error


def _check_environment() -> None:
    """Refuse a misspelt first part, which pydantic-settings would pass over in silence."""
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


def _explained(error: ValidationError, from_file: Mapping[str, Any], path: Path | None) -> str:
    first = error.errors(include_url=False)[0]
    location = tuple(str(part) for part in first["loc"])
    where = _origin(location, from_file, path)
    if first["type"] == "extra_forbidden":
        return f"{_unknown('.'.join(location), _keys_beside(location))} in {where}"
    message = first["msg"].removeprefix("Value error, ")
    return f"{'.'.join(location) or 'the settings'} in {where}: {message[:1].lower()}{message[1:]}"


def _origin(location: tuple[str, ...], from_file: Mapping[str, Any], path: Path | None) -> str:
    """Name the file or the variable that a wrong value came from; the environment goes first, as it does in force."""
    variable = ENVIRONMENT_PREFIX + "__".join(location).upper()
    if variable in os.environ:
        return f"the environment variable {variable}"
    if path and location and location[0] in from_file:
        return str(path)
    return "the settings"


def _keys_beside(location: tuple[str, ...]) -> list[str]:
    model: type[BaseModel] = Settings
    for part in location[:-1]:
        annotation = model.model_fields[part].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return [".".join((*location[:-1], name)) for name in model.model_fields]


def _unknown(key: str, known: Mapping[str, Any] | list[str]) -> str:
    close = difflib.get_close_matches(key, list(known), n=1)
    return f"unknown setting '{key}'" + (f" (did you mean '{close[0]}'?)" if close else "")
