"""`make brokers`: the guarantees with several brokers, counted, and written into docs/reliability.md.

python -m tests.brokers [BROKER...]: tries only these, and keeps the results of the others.
"""

import asyncio
import logging
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from stream.errors import BrokerError
from tests.brokers.page import Row, read_rows, write_rows
from tests.brokers.programs import BROKERS, Broker, UnavailableError, running
from tests.brokers.trial import PROTOCOLS, check, chosen_protocol, deliver, share, speaks, trial_settings
from tests.unit.tiny_bundle import write_bundle


def main() -> None:
    """Try the brokers one after the other."""
    names = [broker.name for broker in BROKERS]
    wanted = sys.argv[1:] or names
    if unknown := set(wanted) - set(names):
        sys.exit(f"no such broker: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    logging.disable(logging.CRITICAL)  # messages of connections that brokers refuse
    rows = {name: [row for row in read_rows() if row.broker == name] for name in names}
    for broker in BROKERS:
        if broker.name in wanted:
            rows[broker.name] = asyncio.run(_tried(broker))
            write_rows(row for name in names for row in rows[name])


async def _tried(broker: Broker) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="starling-brokers-") as folder:
        try:
            return [row async for row in _rows(broker, Path(folder))]
        except UnavailableError as error:
            _report(f"{broker.name} is left out: {error}")
            return [Row(broker.name, left_out=str(error))]


async def _rows(broker: Broker, folder: Path) -> AsyncIterator[Row]:
    version = broker.version()
    model = write_bundle(folder / "bundle")
    for protocol in PROTOCOLS:
        place = folder / protocol
        place.mkdir()
        async with running(broker, _made(place / "broker")) as port:
            settings = trial_settings(broker, port, place, model, protocol)
            if not await speaks(settings):
                continue
            _report(f"{broker.name} {version}, MQTT {protocol} ...")
            try:
                chosen = await chosen_protocol(settings)
            except BrokerError:
                chosen = ""
            checked = await check(settings, place)
            delivery = await deliver(settings, _made(place / "delivery"))
            sharing = await share(settings, _made(place / "group"))
            yield Row(broker.name, version, protocol, chosen, delivery, checked, sharing)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _report(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
