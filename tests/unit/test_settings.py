import socket
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stream.errors import SettingsError
from stream.settings import MOST_ENTITIES, BrokerSettings, Settings, load_settings

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(toml: str) -> Path:
        path = tmp_path / "starling.toml"
        path.write_text(toml, encoding="utf-8")
        return path

    return write_file


def message_of(path: Path | None = None, overrides: dict[str, Any] | None = None) -> str:
    """The error that loading ends in, which must be one line."""
    with pytest.raises(SettingsError) as caught:
        load_settings(path, overrides)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_without_a_file_every_setting_has_its_default() -> None:
    settings = load_settings()
    assert settings.broker == BrokerSettings()
    assert (settings.broker.host, settings.broker.port, settings.topics.tweets) == ("localhost", 1883, "tweets/in")


def test_the_default_name_of_a_node_is_that_of_its_host() -> None:
    assert load_settings().node == socket.gethostname()


def test_a_file_sets_what_it_names_and_leaves_the_rest(write: Write) -> None:
    settings = load_settings(write('node = "pi-kitchen"\n[broker]\nhost = "mqtt.home"\n[http]\nport = 0\n'))
    assert (settings.node, settings.broker.host, settings.http.port) == ("pi-kitchen", "mqtt.home", 0)
    assert settings.broker.port == 1883


def test_the_environment_names_the_file_by_default(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARLING_CONFIG", str(write('node = "pi-kitchen"')))
    assert load_settings().node == "pi-kitchen"


def test_a_named_file_overrides_that_of_the_environment(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARLING_CONFIG", "/nowhere/starling.toml")
    assert load_settings(write('node = "pi-kitchen"')).node == "pi-kitchen"


def test_the_environment_overrides_the_file_key_by_key(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARLING_BROKER__HOST", "from.environment")
    monkeypatch.setenv("STARLING_NODE", "pi-environment")
    settings = load_settings(write('node = "pi-file"\n[broker]\nhost = "from.file"\nport = 2000\n'))
    assert (settings.node, settings.broker.host, settings.broker.port) == ("pi-environment", "from.environment", 2000)


def test_overrides_override_file_and_environment_key_by_key(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARLING_BROKER__HOST", "from.environment")
    monkeypatch.setenv("STARLING_BROKER__USERNAME", "ada")
    path = write('[broker]\nhost = "from.file"\nport = 2000\n')
    broker = load_settings(path, {"broker": {"host": "from.command"}}).broker
    assert (broker.host, broker.port, broker.username) == ("from.command", 2000, "ada")


def test_a_list_in_the_environment_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARLING_TOPICS__RESPONSE_PREFIXES", '["a/", "b/"]')
    assert load_settings().topics.response_prefixes == ["a/", "b/"]


@pytest.mark.parametrize(
    ("prior", "says"),
    [
        ("[0.5, 0.5]", "write three numbers, the shares of negative, neutral and positive tweets: [0.2, 0.5, 0.3]"),
        ("[0.25, 0.25, 0.25, 0.25]", "write three numbers"),
        ("0.5", "write three numbers"),
        ('"0.2,0.5,0.3"', "write three numbers"),
        ('["0.2", "0.5", "0.3"]', "write three numbers"),
        ("[true, 0.0, 0.0]", "write three numbers"),
        ("[0.5, 0.5, 0]", "each share must be above 0, because a class with the share 0 is never found"),
        ("[0.6, 0.6, -0.2]", "each share must be above 0"),
        ("[nan, 0.5, 0.5]", "each share must be above 0"),
        ("[inf, 0.5, 0.5]", "each share must be above 0"),
        ("[0.2, 0.5, 0.03]", "the shares must sum to 1, and these sum to 0.73"),
        ("[20, 50, 30]", "the shares must sum to 1, and these sum to 100"),
    ],
)
def test_a_wrong_prior_is_explained(write: Write, prior: str, says: str) -> None:
    path = write(f"[decision]\nprior = {prior}\n")
    assert message_of(path).startswith(f"decision.prior in {path}: {says}")


def test_a_prior_is_given_as_three_shares_whose_sum_may_be_rounded(write: Write) -> None:
    assert load_settings(write("[decision]\nprior = [0.2, 0.5, 0.3]\n")).decision.prior == (0.2, 0.5, 0.3)
    assert load_settings(write("[decision]\nprior = [0.33, 0.33, 0.33]\n")).decision.prior == pytest.approx([1 / 3] * 3)
    assert load_settings().decision.prior is None


def test_a_prior_in_the_environment_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARLING_DECISION__PRIOR", "[0.2, 0.5, 0.3]")
    monkeypatch.setenv("STARLING_DECISION__THRESHOLD", "0.6")
    decision = load_settings().decision
    assert (decision.prior, decision.threshold) == ((0.2, 0.5, 0.3), 0.6)


@pytest.mark.parametrize(
    ("threshold", "says"),
    [
        ("-0.1", "input should be greater than or equal to 0"),
        ("1.1", "input should be less than or equal to 1"),
        ("nan", "input should be"),
        ("inf", "input should be"),
        ("true", "write a number, not true or false"),
        ('"high"', "input should be a valid number"),
    ],
)
def test_a_wrong_threshold_is_explained(write: Write, threshold: str, says: str) -> None:
    path = write(f"[decision]\nthreshold = {threshold}\n")
    assert message_of(path).startswith(f"decision.threshold in {path}: {says}")


@pytest.mark.parametrize("threshold", [0, 0.5, 1])
def test_a_threshold_is_from_0_to_1(write: Write, threshold: float) -> None:
    path = write(f'[decision]\nthreshold = {threshold}\nbelow_threshold = "reject"\n')
    assert load_settings(path).decision.threshold == threshold


def test_a_rejection_below_the_threshold_needs_a_threshold(write: Write) -> None:
    path = write('[decision]\nbelow_threshold = "reject"\n')
    assert message_of(path) == f"decision in {path}: below_threshold = 'reject' needs a threshold"


def test_settings_cannot_be_changed_afterwards() -> None:
    settings = load_settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.broker.port = 1  # type: ignore[misc]
    with pytest.raises(ValueError, match="frozen"):
        settings.node = "other"  # type: ignore[misc]


LIMITS: dict[str, tuple[float | None, float | None]] = {
    "broker.port": (1, 65535),
    "broker.receive_maximum": (1, 1024),
    "broker.keepalive_seconds": (5, 3600),
    "broker.session_expiry_seconds": (0, None),
    "http.port": (0, 65535),
    "model.interpreters": (1, 64),
    "model.threads": (1, 64),
    "model.max_batch": (1, 256),
    "limits.payload_bytes": (1, None),
    "limits.text_characters": (1, None),
}
POSITIVE = ("broker.timeout_seconds", "broker.reconnect_seconds", "limits.stuck_seconds")


def overriding(key: str, value: object) -> dict[str, Any]:
    section, name = key.split(".")
    return {section: {name: value}}


@pytest.mark.parametrize(
    ("key", "value"), [(key, end) for key, ends in LIMITS.items() for end in ends if end is not None]
)
def test_a_number_at_its_limit_is_taken(key: str, value: float) -> None:
    section, name = key.split(".")
    assert getattr(getattr(load_settings(overrides=overriding(key, value)), section), name) == value


@pytest.mark.parametrize(
    ("key", "value"),
    [(key, low - 1) for key, (low, _) in LIMITS.items() if low is not None]
    + [(key, high + 1) for key, (_, high) in LIMITS.items() if high is not None],
)
def test_a_number_past_its_limit_is_refused(key: str, value: float) -> None:
    assert message_of(overrides=overriding(key, value)).startswith(f"{key} in the settings: input should be ")


@pytest.mark.parametrize("key", POSITIVE)
def test_a_time_must_be_greater_than_zero(key: str) -> None:
    assert message_of(overrides=overriding(key, 0)).endswith("input should be greater than 0")
    assert load_settings(overrides=overriding(key, 0.001))


@pytest.mark.parametrize("key", ["broker.host", "topics.tweets", "topics.labels", "topics.rejected", "http.host"])
def test_an_empty_name_is_refused(key: str) -> None:
    assert message_of(overrides=overriding(key, "")).startswith(f"{key} in the settings: ")


def test_labels_have_no_text_by_default() -> None:
    assert load_settings().labels.include_text is False


def test_the_start_does_not_wait_for_a_missing_broker_by_default() -> None:
    assert load_settings().broker.wait_at_start is False


WRONG = {
    "unknown key": ('nodee = "a"', "unknown setting 'nodee' (did you mean 'node'?)"),
    "unknown section": ("[brokr]", "unknown setting 'brokr' (did you mean 'broker'?)"),
    "unknown key of a section": ("[broker]\nhots = 'a'", "unknown setting 'broker.hots' (did you mean 'broker.host'?)"),
    "key that is like none": ("[http]\nxyz = 1", "unknown setting 'http.xyz' in"),
    "word for a number": ("[broker]\nport = 'many'", "broker.port in"),
    "number out of range": ("[broker]\nport = 65536", "broker.port in"),
    "not a number": ("[broker]\ntimeout_seconds = nan", "broker.timeout_seconds in"),
    "number for a list": ("[topics]\nresponse_prefixes = 3", "topics.response_prefixes in"),
    "value for a section": ("broker = 'localhost'", "broker in"),
    "unheard-of protocol": ("[broker]\nprotocol = '4'", "input should be 'auto', '5' or '3.1.1'"),
    "node with a slash": ("node = 'a/b'", "node in"),
    "node of nothing": ("node = ''", "node in"),
    "group with a wildcard": ("[broker]\ngroup = 'a+'", "broker.group in"),
    "prefix that allows every topic": ("[topics]\nresponse_prefixes = ['']", "topics.response_prefixes.0 in"),
    "message of any length": ("[limits]\npayload_bytes = 1048577", "limits.payload_bytes in"),
    "wildcard to publish labels to": ("[topics]\nlabels = 'tweets/+/out'", "topics.labels in"),
    "wildcard to publish rejections to": ("[topics]\nrejected = 'rejected/#'", "no wildcards (+ or #)"),
    "labels that are tweets": (
        "[topics]\nlabels = 'tweets/in'",
        "results sent to 'tweets/in' would come back as tweets from 'tweets/in'",
    ),
    "labels among the tweets": (
        "[topics]\ntweets = 'tweets/#'",
        "results sent to 'tweets/polarity' would come back as tweets from 'tweets/#'",
    ),
    "rejections among the tweets": (
        "[topics]\ntweets = 'a/+'\nrejected = 'a/rejected'",
        "results sent to 'a/rejected' would come back as tweets from 'a/+'",
    ),
    "authority without TLS": ("[broker]\nca_file = 'ca.pem'", "need tls = true"),
    "certificate without TLS": (
        "[broker]\ncertificate_file = 'a.pem'\nkey_file = 'a.key'",
        "ca_file and certificate_file need tls = true",
    ),
    "key without certificate": ("[broker]\ntls = true\nkey_file = 'a.key'", "certificate_file and key_file belong"),
    "certificate without key": ("[broker]\ntls = true\ncertificate_file = 'a.pem'", "give both or neither"),
    "password without user": ("[broker]\npassword_file = 'secret'", "password_file needs a username"),
    "node with a control character": ('node = "a\\u001b"', "node in"),
    "broker that is a URL": ("[broker]\nhost = 'mqtt://a'", "broker.host in"),
    "broker without a name": ("[broker]\nhost = ''", "broker.host in"),
    "HTTP certificate without key": ("[http]\ncertificate_file = 'a.pem'", "certificate_file and key_file belong"),
    "HTTP key without certificate": ("[http]\nkey_file = 'a.key'", "certificate_file and key_file belong"),
    "HTTP user without password": ("[http]\nusername = 'ada'", "username and password_file belong together"),
    "HTTP password without user": ("[http]\npassword_file = 'secret'", "username and password_file belong together"),
    "HTTP user with a colon": ("[http]\nusername = 'a:b'\npassword_file = 'secret'", "http.username in"),
}


@pytest.mark.parametrize(("toml", "expected"), WRONG.values(), ids=WRONG)
def test_an_error_in_the_file_names_the_file(write: Write, toml: str, expected: str) -> None:
    path = write(toml)
    message = message_of(path)
    assert expected in message
    assert f"in {path}" in message


@pytest.mark.parametrize(
    "toml",
    [
        "[broker]\npassword = 'hunter2'",
        "[broker]\nhost = 'ada:hunter2@broker'",
        "[http]\nusername = 'ada:hunter2'\npassword_file = 'secret'",
        "[broker]\nport = 'hunter2'",
        "[http]\npassword_file = ['hunter2']",
    ],
)
def test_a_password_in_the_wrong_place_is_not_shown_in_an_error(write: Write, toml: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(write(toml))
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


WRONG_VARIABLES = {
    "misspelt section": ("STARLING_BROKR__HOST", "a", "unknown setting 'brokr' (did you mean 'broker'?)"),
    "misspelt key": ("STARLING_BROKER__HOTS", "a", "unknown setting 'broker.hots' (did you mean 'broker.host'?)"),
    "misspelt key of no section": ("STARLING_NOED", "a", "unknown setting 'noed' (did you mean 'node'?)"),
    "word for a number": ("STARLING_BROKER__PORT", "many", "broker.port in the environment variable"),
    "number out of range": ("STARLING_LIMITS__PAYLOAD_BYTES", "0", "limits.payload_bytes in"),
}


@pytest.mark.parametrize(("variable", "value", "expected"), WRONG_VARIABLES.values(), ids=WRONG_VARIABLES)
def test_an_error_in_the_environment_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(variable, value)
    message = message_of()
    assert expected in message
    assert f"the environment variable {variable}" in message


def test_a_wrong_variable_is_named_even_where_the_file_is_right(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARLING_BROKER__PORT", "many")
    assert "STARLING_BROKER__PORT" in message_of(write("[broker]\nport = 1883"))


@pytest.mark.parametrize("variable", ["STARLING_TOPICS__RESPONSE_PREFIXES", "STARLING_TOPICS"])
def test_a_list_or_a_section_that_is_not_json_is_an_error_that_says_so(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "replies/")
    message = message_of()
    assert '"topics"' in message
    assert "are JSON" in message


def test_an_override_that_is_wrong_is_named() -> None:
    assert message_of(overrides={"broker": {"port": 70_000}}).startswith("broker.port in the settings: ")


@pytest.mark.parametrize("content", [b"node = ", b"[broker", b"node = 'a'\nnode = 'b'", b"node = '\xff'"])
def test_a_file_that_is_not_toml_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "starling.toml"
    path.write_bytes(content)
    assert message_of(path).startswith(f"{path} is not TOML: ")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "starling.toml"
    assert message_of(path) == f"cannot read the settings file {path}: No such file or directory"


def test_a_folder_as_settings_file_is_an_error(tmp_path: Path) -> None:
    assert message_of(tmp_path) == f"cannot read the settings file {tmp_path}: Is a directory"


@pytest.mark.parametrize(
    "toml",
    [
        "[broker]\ntls = true\nca_file = 'ca.pem'\ncertificate_file = 'a.pem'\nkey_file = 'a.key'",
        "[broker]\nusername = 'ada'\npassword_file = 'secret'",
        "[broker]\nusername = 'ada'",
        "[broker]\nhost = 'fe80::1%eth0'",
        "[http]\ncertificate_file = 'a.pem'\nkey_file = 'a.key'\nusername = 'ada'\npassword_file = 'secret'",
        "[topics]\ntweets = 'tweets/+/in'\nlabels = 'tweets/a/out'",
        "[topics]\ntweets = 'in/#'",
    ],
)
def test_settings_that_fit_together_are_taken(write: Write, toml: str) -> None:
    assert isinstance(load_settings(write(toml)), Settings)


def test_a_wrong_variable_is_not_blamed_on_the_section_of_the_file(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STARLING_BROKER__CA_FILE", "ca.pem")
    message = message_of(write('[broker]\nhost = "mqtt.home"\n'))
    assert message.startswith("broker in the environment variable STARLING_BROKER__CA_FILE: ca_file")


def test_a_wrong_file_is_blamed_where_the_environment_sets_something_else(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STARLING_BROKER__HOST", "mqtt.home")
    path = write("[broker]\nca_file = 'ca.pem'\n")
    assert message_of(path).startswith(f"broker in {path}: ca_file and certificate_file need tls = true")


def test_a_section_in_json_is_named_by_its_variable(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARLING_BROKER", '{"port": 0}')
    message = message_of(write("[broker]\nport = 1883\n"))
    assert message.startswith("broker.port in the environment variable STARLING_BROKER: ")


def test_a_variable_in_lower_case_is_named_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("starling_broker__port", "0")
    assert "in the environment variable starling_broker__port: " in message_of()


def test_an_override_names_its_origin(write: Write) -> None:
    path = write("[broker]\nport = 1883\n")
    with pytest.raises(SettingsError, match=r"^broker\.port in --broker a:0: "):
        load_settings(path, {"broker": {"port": 0}}, "--broker a:0")


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("[broker]\nhost = 'localhost:1884'", "write the port as a setting of its own (port = 1883)"),
        ("[broker]\nhost = '[::1]'", "an IPv6 address without brackets"),
        ("[broker]\nhost = 'mqtt://home'", "without URL, user or password"),
        ("[http]\nhost = '127.0.0.1:80'", "write the port as a setting of its own"),
        ("node = 'pi kitchen'", "a node's name has 1 to 64 characters, without spaces"),
        ("[broker]\ngroup = 'a/b'", "a group's name has at least one character, without '/', '+' and '#'"),
        ("[broker]\ngroup = ''", "a group's name has at least one character"),
        ("[http]\nusername = 'a:b'\npassword_file = 'p'", "a user's name has at least one character, without ':'"),
        ("[topics]\ntweets = []", "name at least one topic"),
        ("[topics]\ntweets = ['a', '']", "each with at least one character"),
        (
            "[topics]\ntweets = ['in', 'tweets/#']",
            "results sent to 'tweets/polarity' would come back as tweets from 'tweets/#'",
        ),
    ],
)
def test_a_wrong_value_is_described_in_words(write: Write, toml: str, says: str) -> None:
    message = message_of(write(toml))
    assert says in message
    assert "pattern" not in message


def test_several_topics_of_tweets_may_be_given(write: Write) -> None:
    topics = load_settings(write("[topics]\ntweets = ['a/+', 'b/#', 'a/+']\n")).topics
    assert topics.tweet_topics == ("a/+", "b/#")
    assert load_settings().topics.tweet_topics == ("tweets/in",)


@pytest.mark.parametrize(("value", "topics"), [('["a", "b"]', ("a", "b")), ("a/+", ("a/+",))])
def test_topics_of_tweets_may_be_given_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, value: str, topics: tuple[str, ...]
) -> None:
    monkeypatch.setenv("STARLING_TOPICS__TWEETS", value)
    assert load_settings().topics.tweet_topics == topics


def test_a_byte_order_mark_in_the_file_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "starling.toml"
    path.write_text('node = "pi"\n', encoding="utf-8-sig")
    assert load_settings(path).node == "pi"


def test_a_file_in_utf16_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "starling.toml"
    path.write_text('node = "pi"\n', encoding="utf-16")
    assert message_of(path) == f"{path} is UTF-16: save it as UTF-8"


def test_the_format_of_the_log_can_be_set(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().log.format == "text"
    assert load_settings(write("[log]\nformat = 'json'\n")).log.format == "json"
    monkeypatch.setenv("STARLING_LOG__FORMAT", "xml")
    assert message_of().startswith(
        "log.format in the environment variable STARLING_LOG__FORMAT: input should be 'text'"
    )


TWO = '[[entities]]\nname = "Acme"\naliases = ["@acme_help"]\n[[entities]]\nname = "Globex"\n'


def test_entities_are_tables_of_a_list(write: Write) -> None:
    acme, globex = load_settings(write(TWO + 'topic = "reputation/globex"')).entities
    assert (acme.name, acme.all_aliases, acme.topic) == ("Acme", ["Acme", "@acme_help"], None)
    assert (globex.name, globex.all_aliases, globex.topic) == ("Globex", ["Globex"], "reputation/globex")


def test_a_name_need_not_be_an_alias(write: Write) -> None:
    (entity,) = load_settings(
        write('[[entities]]\nname = "Target"\naliases = ["@target"]\nmatch_name = false')
    ).entities
    assert entity.all_aliases == ["@target"]


def test_entities_in_the_environment_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARLING_ENTITIES", '[{"name": "Acme"}]')
    assert [entity.name for entity in load_settings().entities] == ["Acme"]
    monkeypatch.setenv("STARLING_ENTITIES", '[{"name": "Acme"}, {"name": "ACME"}]')
    assert message_of().startswith("entities in the environment variable STARLING_ENTITIES: two entities have the name")


WRONG_ENTITIES = {
    "misspelt key": ('alias = ["a"]', "unknown setting 'entities.1.alias' (did you mean 'entities.1.aliases'?)"),
    "empty alias": ('aliases = [""]', "entities.1.aliases.0 in FILE: string should have at least 1 character"),
    "no letter": ('aliases = ["..."]', "the alias '...' of 'Globex' has no letter, digit or symbol to look for"),
    "mark alone": ('aliases = ["#"]', "the alias '#' of 'Globex' begins with #, but is no hashtag or handle"),
    "alias of two": ('aliases = ["ACME"]', "the alias 'ACME' belongs to 'Acme' and to 'Globex'"),
    "long alias": (f'aliases = ["{"a" * 65}"]', "should have at most 64 characters"),
    "line break": ('aliases = ["a\\nb"]', "entities.1.aliases.0 in FILE: the name of an entity has single spaces"),
    "no list": ('aliases = "a"', "entities.1.aliases in FILE: input should be a valid list"),
    "same name": ('[[entities]]\nname = "aCME"', "two entities have the name 'Acme', in upper or lower case"),
    "no name": ("[[entities]]", "entities.2.name in FILE: field required"),
    "name of 10 kB": (
        f'[[entities]]\nname = "{"a" * 10_000}"',
        "entities.2.name in FILE: string should have at most 64",
    ),
    "number": ("[[entities]]\nname = 7", "entities.2.name in FILE: input should be a valid string"),
    "wildcard": ('topic = "a/+"', "entities.1.topic in FILE: it has no wildcards"),
    "own topic": ('topic = "starling/a/status"', "begins neither with $ nor with starling/"),
    "circle": ('topic = "tweets/in"', "labels sent to 'tweets/in' would come back as tweets from 'tweets/in'"),
    "labels": ('topic = "tweets/polarity"', "the topic of 'Globex' is that of all labels or rejections"),
}


@pytest.mark.parametrize(("toml", "expected"), WRONG_ENTITIES.values(), ids=WRONG_ENTITIES)
def test_a_wrong_entity_is_named(write: Write, toml: str, expected: str) -> None:
    path = write(TWO + toml)
    message = message_of(path)
    assert expected.replace("FILE", str(path)) in message
    assert str(path) in message


def test_more_entities_than_time_series_are_allowed_for_are_refused() -> None:
    entities = [{"name": f"e{number}"} for number in range(MOST_ENTITIES + 1)]
    assert "should have at most 1000 items" in message_of(overrides={"entities": entities})
    assert len(load_settings(overrides={"entities": entities[1:]}).entities) == MOST_ENTITIES
