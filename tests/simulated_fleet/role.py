"""The plan of a roll-out as Ansible's role has it: batches, nodes at once, and the options of `starling gate`."""

import ast
import configparser
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_ANSIBLE = Path(__file__).parents[2] / "deploy" / "ansible"
_ROLE = _ANSIBLE / "roles" / "starling"
_OPTION = re.compile(r"'(--[\w-]+)', (starling_\w+)")
_NODE_FILES = ("starling_settings_file",)


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a roll-out.

    Args:
        batches: Nodes of each batch: a number, or a share of all nodes.
        at_once: Nodes that are worked on at once.
        ready_seconds: Time for a restarted service to become ready.
        peers: Number of nodes outside the batch to compare with.
        before: Options of `starling gate before`.
        after: Options of `starling gate after`.
    """

    batches: Sequence[int | str]
    at_once: int
    ready_seconds: float
    peers: int
    before: Sequence[str]
    after: Sequence[str] = field(default_factory=list)

    def split(self, nodes: int) -> list[range]:
        """Return the places of the nodes of each batch, as Ansible computes them."""
        found, begin = [], 0
        for batch in self.batches:
            size = max(1, nodes * int(batch[:-1]) // 100) if isinstance(batch, str) else batch
            found.append(range(begin, min(begin + size, nodes)))
            begin += size
        while begin < nodes:
            found.append(range(begin, min(begin + len(found[-1]), nodes)))
            begin += len(found[-1])
        return [batch for batch in found if batch]


def role_plan() -> Plan:
    """Read the plan from the role's files."""
    defaults: dict[str, Any] = yaml.safe_load((_ROLE / "defaults" / "main.yml").read_text(encoding="utf-8"))
    play = (_ANSIBLE / "nodes.yml").read_text(encoding="utf-8")
    serial = re.search(r"default\((\[.+?\])\)", play)
    assert serial
    configuration = configparser.ConfigParser(interpolation=None)
    configuration.read(_ANSIBLE / "ansible.cfg")
    return Plan(
        batches=ast.literal_eval(serial[1]),
        at_once=configuration.getint("defaults", "forks"),
        ready_seconds=defaults["starling_ready_seconds"],
        peers=defaults["starling_most_peers"],
        before=_options("keep.yml", defaults),
        after=_options("compare.yml", defaults),
    )


def _options(tasks: str, defaults: dict[str, Any]) -> list[str]:
    """Return the options that a file of tasks gives to the command, with the role's default values."""
    text = (_ROLE / "tasks" / tasks).read_text(encoding="utf-8")
    pairs = [(option, variable) for option, variable in _OPTION.findall(text) if variable not in _NODE_FILES]
    return [word for option, variable in pairs for word in (option, str(defaults[variable]))]
