"""No secret of the inventory is in a journal, a log or the list of processes of a machine."""

import base64
import shlex

import pytest

from tests.fleet.conftest import Fleet
from tests.fleet.playbooks import SECRETS

_SEARCH = """
pattern=$(mktemp); printf %s {secret} > "$pattern"
journalctl --no-pager --output export > /tmp/searched; ps axww >> /tmp/searched
cat /var/log/*.log /var/log/*/*.log >> /tmp/searched 2>/dev/null
grep --text --count --fixed-strings --file "$pattern" /tmp/searched
rm -f "$pattern" /tmp/searched
"""


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_in_no_journal_log_or_process_list(fleet: Fleet, name: str) -> None:
    # ssh and sudo record the search itself, so it does not contain the secret as it is.
    encoded = f"$(printf {_base64(SECRETS[name])} | base64 --decode)"
    found = {
        machine.name: machine.run(_SEARCH.format(secret=f'"{encoded}"'), check=False)
        for machine in fleet.machines.values()
    }

    assert found == dict.fromkeys(fleet.machines, "0")


def test_a_text_of_the_journal_is_found(fleet: Fleet) -> None:
    encoded = "$(printf {} | base64 --decode)".format(_base64("starling.service"))

    assert int(fleet.nodes[0].run(_SEARCH.format(secret=f'"{encoded}"'), check=False)) > 0


def _base64(text: str) -> str:
    return shlex.quote(base64.b64encode(text.encode()).decode())
