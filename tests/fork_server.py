"""Processes of `starling` that are forked from one that has imported everything: a start costs hardly any time.

Such a process has its own arguments, environment, working directory, standard streams and signals, as if the program
had been started. Only its imports were done before, and /proc shows the command line and environment of the server.
"""

import atexit
import contextlib
import functools
import gc
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

_MESSAGE_BYTES = 200_000
_DESCRIPTORS = 4
_PROGRAM = "import sys; from tests.fork_server import main; main(int(sys.argv[1]))"


def fork(
    arguments: Sequence[str],
    streams: tuple[int, int, int],
    events: int,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Start `starling` with these arguments in the working directory of this process.

    Args:
        arguments: Command and its arguments.
        streams: Descriptors of its stdin, stdout and stderr.
        events: Descriptor of a pipe, to which two lines are written: the process id, and at the end the exit code,
            which is the negative number of the signal that ended the process.
        environment: Its environment; by default that of this process.
    """
    request = {
        "arguments": ["starling", *arguments],
        "folder": str(Path.cwd()),
        "environment": dict(os.environ if environment is None else environment),
    }
    socket.send_fds(_server(), [json.dumps(request).encode()], [*streams, events])


@functools.cache
def _server() -> socket.socket:
    """Start the server; it ends when this process closes the connection."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # a process with several threads cannot be forked safely
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def main(control: int) -> None:
    """Fork processes on request, each of which runs the command line; return where there are no more requests."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from stream import commands  # noqa: PLC0415  (the process that starts a server needs none of this)
    from stream.cli import main as run_command_line  # noqa: PLC0415

    for module in pkgutil.walk_packages(commands.__path__, f"{commands.__name__}."):
        import_module(module.name)
    import_module("training.cli")  # adds its commands at each start
    gc.freeze()
    if _fork_on_request(socket.socket(fileno=control)):
        signal.signal(signal.SIGINT, signal.default_int_handler)
        run_command_line()


def _fork_on_request(control: socket.socket) -> bool:
    """Return False where there are no more requests; in each forked process, return True."""
    running: dict[int, tuple[int, int]] = {}
    poller = select.poll()
    poller.register(control, select.POLLIN)
    while True:
        ready = {descriptor for descriptor, _ in poller.poll()}
        for ended in ready & running.keys():
            poller.unregister(ended)
            pid, events = running.pop(ended)
            _say(events, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            os.close(events)
            os.close(ended)
        if control.fileno() not in ready:
            continue
        request, descriptors, _, _ = socket.recv_fds(control, _MESSAGE_BYTES, _DESCRIPTORS)
        if not request:
            return False
        *streams, events = descriptors
        if (pid := os.fork()) == 0:
            control.close()
            for descriptor in (*running, *(other for _, other in running.values()), events):
                os.close(descriptor)
            _become(json.loads(request), streams)
            return True
        for descriptor in streams:
            os.close(descriptor)
        _say(events, pid)
        watched = os.pidfd_open(pid)
        running[watched] = (pid, events)
        poller.register(watched, select.POLLIN)


def _become(request: dict[str, Any], streams: Sequence[int]) -> None:
    """Take on the arguments, environment, folder and standard streams of a request."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = request["arguments"]


def _say(events: int, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody waits any more
        os.write(events, b"%d\n" % number)
