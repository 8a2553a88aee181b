"""The HTTP server with TLS and a password: access, malformed requests, and errors at the start."""

import asyncio
import resource
import ssl
from base64 import b64encode
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from stream.errors import SettingsError
from stream.free_port import free_port
from stream.settings import Settings
from stream.telemetry.health import Health
from stream.telemetry.metrics import Metrics
from stream.web.page.routes import page_routes
from stream.web.page.status import NodeStatus
from stream.web.server import serve_http
from tests.integration.certificates import Certificates
from tests.integration.program import Node, finished

USER = "prometheus"
PASSWORD = "s3cret: with a colon & ünïcode"  # noqa: S105


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


@pytest.fixture
def password(tmp_path: Path) -> dict[str, Any]:
    file = tmp_path / "http.password"
    file.write_text(f"{PASSWORD}\n", encoding="utf-8")
    return {"username": USER, "password_file": file}


def tls_of(certificates: Certificates) -> dict[str, Any]:
    return {"certificate_file": certificates.broker_certificate, "key_file": certificates.broker_key}


def serving(**http: Any) -> Any:
    return serve_http(Settings(node="test", http={"port": 0, **http}), Metrics(), Health(60))


def basic(credentials: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(credentials.encode()).decode()}"}


async def status(url: str, **options: Any) -> int:
    async with aiohttp.ClientSession() as session, session.get(url, **options) as answer:
        return answer.status


async def test_the_metrics_are_served_over_tls(certificates: Certificates) -> None:
    trusting = ssl.create_default_context(cafile=certificates.ca)
    async with serving(**tls_of(certificates)) as address:
        assert address.startswith("https://127.0.0.1:")
        assert await status(f"{address}/metrics", ssl=trusting) == 200


async def test_a_client_that_does_not_trust_the_certificate_gets_nothing(certificates: Certificates) -> None:
    async with serving(**tls_of(certificates)) as address:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await status(f"{address}/metrics")


async def test_with_tls_plain_http_is_not_served(certificates: Certificates) -> None:
    async with serving(**tls_of(certificates)) as address:
        with pytest.raises(aiohttp.ClientError):
            await status(f"{address.replace('https', 'http')}/metrics")


async def test_the_password_over_tls_opens_the_metrics(certificates: Certificates, password: dict[str, Any]) -> None:
    trusting = ssl.create_default_context(cafile=certificates.ca)
    async with serving(**tls_of(certificates), **password) as address:
        assert await status(f"{address}/metrics", ssl=trusting) == 401
        assert await status(f"{address}/metrics", ssl=trusting, headers=basic(f"{USER}:{PASSWORD}")) == 200


WRONG_CREDENTIALS: dict[str, dict[str, Any]] = {
    "no header": {},
    "wrong password": basic(f"{USER}:wrong"),
    "wrong user": basic(f"somebody:{PASSWORD}"),
    "password alone": basic(PASSWORD),
    "no password": basic(f"{USER}:"),
    "half the password": basic(f"{USER}:{PASSWORD[:5]}"),
    "not encoded": {"Authorization": f"Basic {USER}:s3cret"},
    "empty": {"Authorization": ""},
    "scheme alone": {"Authorization": "Basic"},
    "other scheme": {"Authorization": basic(f"{USER}:{PASSWORD}")["Authorization"].replace("Basic", "Bearer")},
    "no ASCII": {"Authorization": "Basic ünïcode"},
}


@pytest.mark.parametrize("headers", WRONG_CREDENTIALS.values(), ids=WRONG_CREDENTIALS)
async def test_a_request_without_the_password_gets_401(password: dict[str, Any], headers: dict[str, str]) -> None:
    async with (
        serving(**password) as address,
        aiohttp.ClientSession() as session,
        session.get(f"{address}/metrics", headers=headers) as answer,
    ):
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
        assert "starling_" not in await answer.text()


@pytest.mark.parametrize("path", ["/", "/now"])
async def test_the_nodes_page_asks_for_the_password_too(password: dict[str, Any], path: str) -> None:
    settings, metrics, health = Settings(node="test", http={"port": 0, **password}), Metrics(), Health(60)
    async with serve_http(settings, metrics, health, page_routes(NodeStatus(settings, metrics, health))) as address:
        assert await status(f"{address}{path}") == 401
        assert await status(f"{address}{path}", headers=basic(f"{USER}:{PASSWORD}")) == 200


async def test_a_password_that_is_not_utf_8_is_wrong(password: dict[str, Any]) -> None:
    request = b"GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Basic \xff\xfe\r\n\r\n"
    async with serving(**password) as address:
        assert (await raw_request(int(address.rsplit(":", 1)[1]), request)).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
async def test_the_authorization_scheme_is_case_insensitive(password: dict[str, Any], scheme: str) -> None:
    headers = {"Authorization": basic(f"{USER}:{PASSWORD}")["Authorization"].replace("Basic", scheme)}
    async with serving(**password) as address:
        assert await status(f"{address}/metrics", headers=headers) == 200


@pytest.mark.parametrize(("path", "expected"), [("/healthz", 200), ("/readyz", 503)])
async def test_a_supervisor_needs_no_password(password: dict[str, Any], path: str, expected: int) -> None:
    async with serving(**password) as address:
        assert await status(f"{address}{path}") == expected


@pytest.mark.parametrize("path", ["/", "/secret", "/metrics/", "//metrics", "/%6detrics", "/healthz/../metrics"])
async def test_every_other_path_asks_for_the_password(password: dict[str, Any], path: str) -> None:
    async with serving(**password) as address:
        port = int(address.rsplit(":", 1)[1])
        assert (await raw_request(port, f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())).startswith(b"HTTP/1.1 401")


async def raw_request(port: int, request: bytes) -> bytes:
    """Send bytes unchanged, and return the first line of the response."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        return await reader.readline()
    finally:
        writer.close()
        await writer.wait_closed()


MALFORMED = {
    "a NUL": b"GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Basic hunter2\x00\r\n\r\n",
    "no colon": b"GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization Basic hunter2\r\n\r\n",
    "no end": b"GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Basic hunter2" + b"a" * 20_000 + b"\r\n\r\n",
    "a long path": b"GET /hunter2" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "too many": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"hunter2: a\r\n" * 500 + b"\r\n",
}


@pytest.mark.parametrize("request_", MALFORMED.values(), ids=MALFORMED)
async def test_a_malformed_request_is_refused_and_not_logged(request_: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with serving() as address:
        answer = await raw_request(int(address.rsplit(":", 1)[1]), request_)
    assert answer.startswith(b"HTTP/1.0 400")
    assert not caplog.records


async def test_idle_connections_do_not_block_prometheus() -> None:
    async with serving() as address, AsyncExitStack() as idle:
        port = int(address.rsplit(":", 1)[1])
        readers = []
        for _ in range(200):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            idle.callback(writer.close)
            readers.append(reader)
        assert await status(f"{address}/metrics") == 200
        assert await readers[0].read() == b""  # it was closed to make room


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """Let this process, and no process started before, open as many files as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("sent", [b"", b"GET /metrics HTTP/1.1\r\n", b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"])
async def test_a_burst_of_connections_takes_few_descriptors_and_health_checks_are_answered(
    tmp_path: Path, request: pytest.FixtureRequest, sent: bytes
) -> None:
    config = tmp_path / "starling.toml"
    config.write_text(f"[broker]\nport = {free_port()}\nwait_at_start = true\n[http]\nport = 0\n")
    async with Node(config, tmp_path / "log") as node, AsyncExitStack() as burst:
        address = node.address
        request.getfixturevalue("many_descriptors")
        process = psutil.Process(node.pid)
        before, most = process.num_fds(), 0

        async def connect() -> None:
            nonlocal most
            _, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
            burst.callback(writer.close)
            writer.write(sent)
            most = max(most, process.num_fds())

        await asyncio.gather(*(connect() for _ in range(1000)))
        assert await status(f"{address}/healthz") == 200
        most = max(most, process.num_fds())
        assert most <= before + 64 + 10
        while await status(f"{address}/metrics") == 503:  # while eight others are being answered
            pass
        assert await status(f"{address}/metrics") == 200


WRONG_FILES: dict[str, tuple[dict[str, str], str]] = {
    "missing certificate": (
        {"certificate_file": "gone.pem", "key_file": "broker.key"},
        "http: cannot use certificate_file",
    ),
    "malformed certificate": ({"certificate_file": "noise", "key_file": "broker.key"}, "must be PEM"),
    "key of another certificate": ({"certificate_file": "broker.pem", "key_file": "node.key"}, "belong together"),
    "key with a passphrase": ({"certificate_file": "broker.pem", "key_file": "locked.key"}, "no passphrase"),
    "missing password": ({"username": USER, "password_file": "gone"}, "http.password_file: cannot read"),
    "folder as password": ({"username": USER, "password_file": "."}, "http.password_file: cannot read"),
    "empty password": ({"username": USER, "password_file": "empty"}, "it is empty"),
    "password that is not UTF-8": ({"username": USER, "password_file": "noise"}, "it is not UTF-8"),
}


@pytest.fixture
def wrong_files(tmp_path: Path, certificates: Certificates) -> Path:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "noise").write_bytes(b"\xff\xfe")
    key = load_pem_private_key(certificates.broker_key.read_bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"geheim"))
    (tmp_path / "locked.key").write_bytes(locked)
    (tmp_path / "locked.key").chmod(0o600)
    return tmp_path


@pytest.mark.parametrize(("files", "says"), WRONG_FILES.values(), ids=WRONG_FILES)
async def test_a_file_that_cannot_be_used_is_named_in_one_line(
    wrong_files: Path, files: dict[str, str], says: str
) -> None:
    http = {key: value if key == "username" else wrong_files / value for key, value in files.items()}
    with pytest.raises(SettingsError) as caught:
        await serving(**http).__aenter__()
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_key_with_a_passphrase_ends_the_start_instead_of_asking_for_it(wrong_files: Path) -> None:
    config = wrong_files / "starling.toml"
    config.write_text(
        f'[http]\nport = 0\ncertificate_file = "{wrong_files}/broker.pem"\nkey_file = "{wrong_files}/locked.key"\n'
    )
    code, out, err = await finished("run", "--config", config)
    assert (code, out, len(err.splitlines())) == (78, "", 1)
    assert err.startswith("starling: http: cannot use certificate_file")


async def test_check_reports_how_the_metrics_are_served_and_its_errors(
    wrong_files: Path, password: dict[str, Any]
) -> None:
    config = wrong_files / "starling.toml"
    settings = (
        f'[broker]\nport = {free_port()}\n[http]\nport = {free_port()}\ncertificate_file = "{wrong_files}/broker.pem"\n'
        f'username = "{USER}"\npassword_file = "{password["password_file"]}"\n'
    )
    config.write_text(f'{settings}key_file = "{wrong_files}/broker.key"\n')
    _, out, _ = await finished("check", "--config", config)
    assert "is free for the service (HTTPS, with a password)" in out
    config.write_text(f'{settings}key_file = "{wrong_files}/node.key"\n')
    code, out, _ = await finished("check", "--config", config)
    assert code == 1
    assert "BROKEN  http       http: cannot use certificate_file" in out
