"""The brokers of the comparison: how each is started, on a free port of this machine and with a folder of its own."""

import asyncio
import contextlib
import importlib.metadata
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stream.free_port import free_port

LOGIN = ("starling", "secret")
"""User name and password of the clients, where a broker wants them."""
AEDES_VERSION = "1.2.0"
_AEDES_SERVER = Path(__file__).with_name("aedes_server.mjs")
_RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_SYSTEM_PROGRAMS = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))
_START_SECONDS = 90.0
_STOP_SECONDS = 10.0
_INSTALL_SECONDS = 180.0
_POLL_SECONDS = 0.1


class UnavailableError(Exception):
    """A broker that cannot be run here; the message says why."""


@dataclass(frozen=True)
class Program:
    """A process that belongs to a broker.

    Attributes:
        command: The command line.
        environment: Variables added to this process's.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Broker:
    """A broker of the comparison.

    Attributes:
        name: Its name.
        version: Returns its version; raises UnavailableError where it cannot be run here.
        programs: Writes its configuration into an empty folder, and returns its processes in the order of their start.
            The last one listens on the port.
        wants_login: Whether each client needs a user name and a password, those of `LOGIN`.
    """

    name: str
    version: Callable[[], str]
    programs: Callable[[Path, int], tuple[Program, ...]]
    wants_login: bool = False


@contextlib.asynccontextmanager
async def running(broker: Broker, folder: Path) -> AsyncIterator[int]:
    """Run a broker, and kill it at the end.

    Args:
        broker: The broker.
        folder: An empty folder for its configuration, data and logs.

    Yields:
        The port that it listens on, on 127.0.0.1.

    Raises:
        UnavailableError: It did not start.
    """
    port = free_port()
    processes: list[subprocess.Popen[bytes]] = []
    log = folder / "broker.log"
    try:
        processes.extend(_start(program, folder, log) for program in broker.programs(folder, port))
        await _until_listening(broker.name, port, processes[-1], log)
        yield port
    finally:
        for process in reversed(processes):
            _kill(process)


def _start(program: Program, folder: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, so that it can be killed together with its children."""
    with log.open("ab") as output:
        return subprocess.Popen(
            program.command,
            env=os.environ | program.environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


async def _until_listening(name: str, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    try:
        async with asyncio.timeout(_START_SECONDS):
            while not _listens(port):
                if process.poll() is not None:
                    raise UnavailableError(f"{name} ended with exit code {process.returncode}: {_last_line(log)}")
                await asyncio.sleep(_POLL_SECONDS)  # a port gives no sign when it begins to listen
    except TimeoutError:
        raise UnavailableError(f"{name} did not listen within {_START_SECONDS:g} s: {_last_line(log)}") from None


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        return True
    return False


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it wrote nothing"


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and those that it has started, which are in its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=_STOP_SECONDS)


def _debian_version(package: str, program: str | Path) -> Callable[[], str]:
    def version() -> str:
        if shutil.which(program, path=_SYSTEM_PROGRAMS) is None:
            raise UnavailableError(f"Debian's package {package} is not installed")
        query = ["dpkg-query", "--show", "--showformat=${Version}", package]
        asked = subprocess.run(query, capture_output=True, text=True, check=False)
        return re.split(r"[-+~]", asked.stdout.partition(":")[2] or asked.stdout)[0] or "of unknown version"

    return version


def _program(name: str) -> str:
    found = shutil.which(name, path=_SYSTEM_PROGRAMS)
    if found is None:
        raise UnavailableError(f"{name} is not installed")
    return found


def _mosquitto(folder: Path, port: int) -> tuple[Program, ...]:
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nmax_queued_messages 0\n"
        f"persistence true\npersistence_location {folder}/\nuser {folder.owner()}\n"
    )
    return (Program((_program("mosquitto"), "-c", str(config))),)


def _rabbitmq(folder: Path, port: int) -> tuple[Program, ...]:
    """Run RabbitMQ with its MQTT plugin, and Erlang's name server on a port of its own."""
    names, distribution = str(free_port()), str(free_port())
    (folder / "rabbitmq.conf").write_text(f"listeners.tcp = none\nmqtt.listeners.tcp.1 = 127.0.0.1:{port}\n")
    (folder / "enabled_plugins").write_text("[rabbitmq_mqtt].\n")
    environment = {
        "HOME": str(folder),
        "ERL_EPMD_PORT": names,
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": "starling@localhost",
        "RABBITMQ_DIST_PORT": distribution,
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "logs"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
    }
    return Program((_program("epmd"),), environment), Program((str(_RABBITMQ),), environment)


def _ejabberd(folder: Path, port: int) -> tuple[Program, ...]:
    """Run ejabberd without the name server and the other services that ejabberdctl starts."""
    config = folder / "ejabberd.yml"
    config.write_text(
        "hosts: [localhost]\nauth_method: anonymous\nallow_multiple_connections: true\nanonymous_protocol: login_anon\n"
        f'listen:\n  - port: {port}\n    ip: "127.0.0.1"\n    module: mod_mqtt\n'
        "modules:\n  mod_mqtt:\n    session_expiry: 1 day\n"
    )
    environment = {
        "HOME": str(folder),
        "ERL_LIBS": _ejabberd_libraries(),
        "EJABBERD_CONFIG_PATH": str(config),
        "EJABBERD_LOG_PATH": str(folder / "ejabberd.log"),
    }
    data = f'"{folder / "data"}"'
    return (Program((_program("erl"), "-noinput", "-mnesia", "dir", data, "-s", "ejabberd"), environment),)


def _ejabberd_libraries() -> str:
    folders = sorted({str(file.parents[2]) for file in Path("/usr/lib").glob("*/ejabberd-*/ebin/ejabberd.beam")})
    if not folders:
        raise UnavailableError("ejabberd's library is not installed")
    return os.pathsep.join(folders)


def _aedes_version() -> str:
    for program in ("node", "npm"):
        _program(program)
    return AEDES_VERSION


def _aedes(folder: Path, port: int) -> tuple[Program, ...]:
    """Install aedes into the folder, and run it."""
    command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder)]
    installed = subprocess.run(
        [*command, f"aedes@{AEDES_VERSION}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=_INSTALL_SECONDS,
        cwd=folder,
    )
    if installed.returncode:
        raise UnavailableError(f"npm could not install aedes {AEDES_VERSION}")
    return (Program((_program("node"), str(_AEDES_SERVER), str(folder), str(port))),)


def _amqtt_version() -> str:
    try:
        return importlib.metadata.version("amqtt")
    except importlib.metadata.PackageNotFoundError:
        raise UnavailableError("the Python package amqtt is not installed") from None


def _amqtt(folder: Path, port: int) -> tuple[Program, ...]:
    return _amqtt_with(folder, port, "AnonymousAuthPlugin:\n    allow_anonymous: true")


def _amqtt_with_passwords(folder: Path, port: int) -> tuple[Program, ...]:
    """Run amqtt with a password file: it treats the sessions of users otherwise than those of anonymous clients."""
    from pwdlib.hashers.argon2 import Argon2Hasher  # noqa: PLC0415  (amqtt's dependency, installed with it)

    passwords = folder / "passwords"
    # A login must not take seconds on a busy machine.
    cheap = Argon2Hasher(time_cost=1, memory_cost=1024, parallelism=1)
    passwords.write_text(f"{LOGIN[0]}:{cheap.hash(LOGIN[1])}\n")
    return _amqtt_with(folder, port, f"FileAuthPlugin:\n    password_file: {passwords}")


def _amqtt_with(folder: Path, port: int, plugin: str) -> tuple[Program, ...]:
    config = folder / "amqtt.yaml"
    config.write_text(
        f"listeners:\n  default:\n    type: tcp\n    bind: 127.0.0.1:{port}\n"
        f"plugins:\n  amqtt.plugins.authentication.{plugin}\n"
    )
    return (Program((sys.executable, "-m", "amqtt.scripts.broker_script", "-c", str(config))),)


BROKERS = (
    Broker("Mosquitto", _debian_version("mosquitto", "mosquitto"), _mosquitto),
    Broker("RabbitMQ", _debian_version("rabbitmq-server", _RABBITMQ), _rabbitmq),
    Broker("ejabberd", _debian_version("ejabberd", "ejabberdctl"), _ejabberd, wants_login=True),
    Broker("aedes", _aedes_version, _aedes),
    Broker("amqtt", _amqtt_version, _amqtt),
    Broker("amqtt with passwords", _amqtt_version, _amqtt_with_passwords, wants_login=True),
)
