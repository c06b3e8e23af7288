"""The bridge sends its key to the configured host only, over TLS: with real sockets."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from api_key import Credentials
from configuration import ConfigurationError, configuration
from connection import Connection
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from errors import DeliveryHalted
from prefect_api import PrefectApi

from deployments.sandbox.processes import free_port
from tests.support.fake_prefect import FakePrefect

KEY = "the-key-of-this-test-which-nobody-else-may-see"
SECRET = {"PREFECT_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:000000000000:secret:prefect"}
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


class RecordingServer:
    """A server that keeps every request, and answers with this status and location."""

    def __init__(self, status: int = 200, location: str = "") -> None:
        self.requests: list[str] = []
        self.status = status
        self.location = location
        self.port = 0

    @contextlib.contextmanager
    def listening(self, context: ssl.SSLContext | None = None) -> Iterator[RecordingServer]:
        """Listen on a free port of the loopback."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"recording": self}))
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that hangs up
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        self.port = server.server_address[1]
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    recording: RecordingServer

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def do_GET(self) -> None:
        self._record()

    def do_POST(self) -> None:
        self._record()

    def do_CONNECT(self) -> None:
        self._record()

    def _record(self) -> None:
        self.recording.requests.append(f"{self.requestline}\n{self.headers}")
        self.send_response(self.recording.status)
        if self.recording.location:
            self.send_header("Location", self.recording.location)
        body = json.dumps({"id": "00000000-0000-4000-8000-000000000000"}).encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def bridge_to(url: str) -> PrefectApi:
    """Return the API client of the bridge, configured as the Lambda configures it."""
    settings = configuration({"PREFECT_API_URL": url, **SECRET})
    return PrefectApi(
        Connection(settings.prefect_api_url),
        Credentials(lambda: KEY),
        deployment_name=settings.deployment_name,
        timeout=25,
    )


def create_run(url: str) -> None:
    """Have the bridge create a run, and accept any outcome."""
    with contextlib.suppress(DeliveryHalted):
        bridge_to(url).create_run(["{}"], "key", "a run")


def certificate(folder: Path, names: list[x509.GeneralName]) -> ssl.SSLContext:
    """Return the TLS context of a server with a self-signed certificate for these names."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@pytest.fixture
def elsewhere() -> Iterator[RecordingServer]:
    """Return a server that the bridge is not configured for."""
    with RecordingServer().listening() as server:
        yield server


def test_the_configured_host_gets_the_key() -> None:
    """The key that the other tests must not find is sent to the configured host."""
    with RecordingServer().listening() as server:
        create_run(f"http://127.0.0.1:{server.port}/api")
    assert server.requests
    assert all(f"Bearer {KEY}" in each for each in server.requests)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(elsewhere: RecordingServer, status: int) -> None:
    """The bridge does not send a request to the location of a redirect, with or without the key."""
    for place in (f"http://127.0.0.1:{elsewhere.port}/api", f"//localhost:{elsewhere.port}/", "http:///"):
        with RecordingServer(status, place).listening() as server, pytest.raises(DeliveryHalted) as halted:
            bridge_to(f"http://127.0.0.1:{server.port}/api").create_run(["{}"], "key", "a run")
        assert halted.value.code == "outage"
        assert server.requests
    assert elsewhere.requests == []


def test_a_self_signed_certificate_is_rejected(tmp_path: Path) -> None:
    """The server receives no request, and so no key."""
    context = certificate(tmp_path, [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    with RecordingServer().listening(context) as server, pytest.raises(DeliveryHalted) as halted:
        bridge_to(f"https://127.0.0.1:{server.port}/api").create_run(["{}"], "key", "a run")
    assert halted.value.code == "no-answer"
    assert server.requests == []


def test_a_certificate_of_another_host_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trusted certificate is valid for its own name only."""
    context = certificate(tmp_path, [x509.DNSName("localhost")])
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
    with RecordingServer().listening(context) as server:
        with pytest.raises(DeliveryHalted) as halted:
            bridge_to(f"https://127.0.0.1:{server.port}/api").create_run(["{}"], "key", "a run")
        assert (halted.value.code, server.requests) == ("no-answer", [])
        create_run(f"https://localhost:{server.port}/api")
        assert any(KEY in each for each in server.requests)


def test_there_is_no_fallback_to_plain_http(elsewhere: RecordingServer) -> None:
    """A server without TLS at an https address receives no request."""
    with pytest.raises(DeliveryHalted):
        bridge_to(f"https://127.0.0.1:{elsewhere.port}/api").create_run(["{}"], "key", "a run")
    assert elsewhere.requests == []


def test_a_proxy_of_the_environment_is_not_used(
    elsewhere: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy variables that many clients obey have no effect."""
    for name in PROXIES:
        monkeypatch.setenv(name, f"http://127.0.0.1:{elsewhere.port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with RecordingServer().listening() as server:
        create_run(f"http://127.0.0.1:{server.port}/api")
        create_run(f"https://127.0.0.1:{free_port()}/api")
    assert server.requests
    assert elsewhere.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "http://prefect.example.com/api",
        "http://10.0.0.1:4200/api",
        "http://127.0.0.1.example.com/api",
        "http://localhost.example.com/api",
        "http://127.0.0.1@prefect.example.com/api",
        "http://localhost:4200@prefect.example.com/api",
        "https://user:password@prefect.example.com/api",
        "https://user@prefect.example.com/api",
        "https://@prefect.example.com/api",
        "http://[::ffff:10.0.0.1]/api",
        "http://0.0.0.0:4200/api",
        "http://2130706433.example/api",
        "HTTP://prefect.example.com/api",
        "http:prefect.example.com/api",
        "https:/prefect.example.com/api",
        "//prefect.example.com/api",
        "ftp://prefect.example.com/api",
        "file:///etc/passwd",
        "https://prefect.example.com/api?next=http://127.0.0.1",
        "https://prefect.example.com/api#@127.0.0.1",
        "https:///api",
        "",
    ],
)
def test_an_address_that_would_reveal_the_key_is_rejected(url: str) -> None:
    """Plain HTTP to another machine, and an address with a user name, are rejected before a request is sent."""
    with pytest.raises(ConfigurationError) as refused:
        configuration({"PREFECT_API_URL": url, **SECRET})
    assert "PREFECT_API_URL" in str(refused.value)
    assert "password" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["https://prefect.example.com\\@127.0.0.1/api", "https://a b.example.com/api"]
)
def test_an_ambiguous_host_is_rejected(url: str) -> None:
    """An address that parsers read differently is rejected."""
    with pytest.raises(ConfigurationError):
        configuration({"PREFECT_API_URL": url, **SECRET})


def test_the_settings_hold_no_key() -> None:
    """Neither the settings nor the credentials' repr contain the key."""
    settings = configuration({"PREFECT_API_URL": "https://prefect.example.com/api", **SECRET})
    credentials = Credentials(lambda: KEY)
    assert credentials.header()
    assert KEY not in f"{settings!r} {credentials!r} {vars(settings)}"


def test_a_refused_key_is_in_no_error() -> None:
    """Neither a 401 nor a malformed secret puts the key into an exception."""
    with (
        FakePrefect(authorization="Bearer another").serving() as fake,
        pytest.raises(DeliveryHalted) as refused,
    ):
        bridge_to(fake.url).create_run(["{}"], "key", "a run")
    assert refused.value.code == "not-authorized"
    for secret in (f"{KEY} {KEY}", f"{KEY}\r\nX: y", f'{{"api_key": "{KEY}', f'{{"auth_string": ["{KEY}"]}}'):
        with pytest.raises(DeliveryHalted) as malformed:
            Credentials(lambda secret=secret: secret).header()  # type: ignore[misc]
        assert KEY not in _everything_shown(malformed.value)
    assert KEY not in _everything_shown(refused.value)


def _everything_shown(error: BaseException) -> str:
    """Return everything of an exception that a log could show, with its causes."""
    causes: Any = (error, error.__cause__, None if error.__suppress_context__ else error.__context__)
    return " ".join(f"{each!r} {getattr(each, 'doc', '')}" for each in causes if each)
