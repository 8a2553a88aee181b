"""`starling feed …`: names, options and help; the commands are in the other modules of this package."""

# ruff: noqa: FBT002, PLC0415, PLR0913, PLR0917
# As in stream/cli.py: options are plain booleans, a command has as many parameters as options, and it imports what it
# needs when it runs.

from typing import Annotated

import typer

from stream.commands.options import BrokerAddress, Config, IdColumn, PlainText, TextColumn, Wait

feed = typer.Typer(
    name="feed",
    help="Publish posts of public streams to the broker: Bluesky, Mastodon, X; or of a file.",
    no_args_is_help=True,
)
rules = typer.Typer(name="rules", help="Show and change the rules of X's filtered stream.", no_args_is_help=True)
feed.add_typer(rules)

Languages = Annotated[
    list[str] | None,
    typer.Option("--lang", "-l", metavar="TAG", help="Language of the posts, e.g. en; may be repeated."),
]
Words = Annotated[
    list[str] | None,
    typer.Option("--word", "-w", metavar="WORD", help="Word, phrase or #hashtag to look for; may be repeated."),
]
OnlyEntities = Annotated[
    bool, typer.Option("--entities", help="Publish only posts that mention one of the settings' entities.")
]
Authors = Annotated[
    bool, typer.Option("--authors", help="Publish the identifiers of the authors, which are personal data.")
]
Most = Annotated[
    int | None, typer.Option("--most", "-n", min=1, metavar="N", help="End after N posts; default: until Ctrl-C.")
]
Topic = Annotated[str | None, typer.Option("--topic", help="Topic to publish to; default: the settings' first one.")]


@feed.command()
def bluesky(
    lang: Languages = None,
    word: Words = None,
    entities: OnlyEntities = False,
    authors: Authors = False,
    most: Most = None,
    topic: Topic = None,
    broker: BrokerAddress = None,
    config: Config = None,
) -> None:
    """Publish Bluesky's posts, from a Jetstream; free, without an account."""
    from stream.commands.feed.feed import FeedRequest, run_feed

    request = FeedRequest("bluesky", _overrides(lang, word, entities=entities, authors=authors), most, topic)
    run_feed(request, broker=broker, config=config)


@feed.command()
def mastodon(
    server: Annotated[
        str | None, typer.Option("--server", "-s", metavar="URL", help="Address of the server; overrides the settings.")
    ] = None,
    hashtag: Annotated[
        str | None, typer.Option("--hashtag", metavar="TAG", help="Only posts with this hashtag, without '#'.")
    ] = None,
    lang: Languages = None,
    word: Words = None,
    entities: OnlyEntities = False,
    authors: Authors = False,
    most: Most = None,
    topic: Topic = None,
    broker: BrokerAddress = None,
    config: Config = None,
) -> None:
    """Publish public posts of a Mastodon server; needs a user's token in a file (mastodon.token_file)."""
    from stream.commands.feed.feed import FeedRequest, run_feed

    overrides = _overrides(lang, word, entities=entities, authors=authors)
    chosen = {"server": server} if server else {}
    chosen |= {"stream": "hashtag", "hashtag": hashtag} if hashtag else {}
    request = FeedRequest("mastodon", overrides | ({"mastodon": chosen} if chosen else {}), most, topic)
    run_feed(request, broker=broker, config=config)


@feed.command()
def x(
    most: Most = None,
    unlimited: Annotated[
        bool, typer.Option("--unlimited", help="Read without a limit; X charges each post that it sends.")
    ] = False,
    lang: Languages = None,
    word: Words = None,
    entities: OnlyEntities = False,
    authors: Authors = False,
    topic: Topic = None,
    broker: BrokerAddress = None,
    config: Config = None,
) -> None:
    """Publish posts of X that match your rules; X charges each post. Needs a token in a file (x.token_file)."""
    from stream.commands.feed.feed import FeedRequest, run_feed

    overrides = _overrides(lang, word, entities=entities, authors=authors)
    request = FeedRequest("x", overrides, most, topic, unlimited=unlimited)
    run_feed(request, broker=broker, config=config)


@feed.command()
def file(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Posts in JSON, CSV, TSV or text, gzipped or not.")],
    rate: Annotated[float, typer.Option(min=0, help="Posts per second; 0: as fast as the broker confirms.")] = 0.0,
    plain: PlainText = None,
    text_column: TextColumn = None,
    id_column: IdColumn = None,
    lang: Languages = None,
    word: Words = None,
    entities: OnlyEntities = False,
    most: Most = None,
    topic: Topic = None,
    wait: Wait = 60.0,
    broker: BrokerAddress = None,
    config: Config = None,
) -> None:
    """Publish a file of posts, as `starling send` does, with the feed's filters."""
    from stream.commands.feed.feed import send_filtered
    from stream.commands.send import Selection, SendRequest, new_id_prefix
    from stream.commands.sender import SendOptions
    from stream.tweets.reader import file_options

    options = file_options(plain=plain, text_column=text_column, id_column=id_column, id_prefix=new_id_prefix())
    request = SendRequest(file, options, SendOptions(rate, wait), topic, Selection(most))
    send_filtered(request, _overrides(lang, word, entities=entities), broker=broker, config=config)


@feed.command()
def stdin(
    rate: Annotated[float, typer.Option(min=0, help="Posts per second; 0: as fast as the broker confirms.")] = 0.0,
    plain: PlainText = None,
    text_column: TextColumn = None,
    id_column: IdColumn = None,
    lang: Languages = None,
    word: Words = None,
    entities: OnlyEntities = False,
    most: Most = None,
    topic: Topic = None,
    wait: Wait = 60.0,
    broker: BrokerAddress = None,
    config: Config = None,
) -> None:
    """Publish posts from stdin as they arrive, as `starling send -` does, with the feed's filters."""
    file("-", rate, plain, text_column, id_column, lang, word, entities, most, topic, wait, broker, config)


@rules.command("list")
def list_(config: Config = None) -> None:
    """Show the rules: id, condition and tag."""
    from stream.commands.feed.rules import show_rules

    show_rules(config)


@rules.command()
def add(
    value: Annotated[
        str, typer.Argument(metavar="CONDITION", help="Condition in X's language, e.g. '\"oat milk\" lang:en'.")
    ],
    tag: Annotated[
        str, typer.Option("--tag", metavar="ENTITY", help="Entity of the posts that match; appears in their labels.")
    ] = "",
    config: Config = None,
) -> None:
    """Add a rule; X applies it within a minute, also to a stream that is open."""
    from stream.commands.feed.rules import add_rule

    add_rule(value, tag, config)


@rules.command()
def delete(
    identifiers: Annotated[list[str], typer.Argument(metavar="ID…", help="Ids, as `list` shows them.")],
    config: Config = None,
) -> None:
    """Delete rules."""
    from stream.commands.feed.rules import delete_rules

    delete_rules(identifiers, config)


def _overrides(
    languages: list[str] | None, words: list[str] | None, *, entities: bool, authors: bool = False
) -> dict[str, dict[str, object]]:
    """Return the settings that options override."""
    chosen: dict[str, object] = {}
    chosen |= {"languages": languages} if languages else {}
    chosen |= {"words": words} if words else {}
    chosen |= {"only_entities": True} if entities else {}
    chosen |= {"authors": True} if authors else {}
    return {"feed": chosen} if chosen else {}
