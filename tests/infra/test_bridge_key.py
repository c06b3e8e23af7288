"""The bridge's key goes to the configured host, over TLS, and to nobody else: with real sockets."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from configuration import ConfigurationError, configuration
from connection import Connection
from credentials import Credentials
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from outcomes import Stopped
from prefect_api import PrefectApi

from tests.infra.fake_prefect import FakePrefect

KEY = "the-key-of-this-test-which-nobody-else-may-see"
SECRET = {"PREFECT_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:000000000000:secret:prefect"}
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


class Ear:
    """A listener that keeps every byte which anybody sends it, and answers as it is told."""

    def __init__(self, status: int = 200, location: str = "") -> None:
        self.heard: list[str] = []
        self.status = status
        self.location = location
        self.port = 0

    @contextlib.contextmanager
    def listening(self, context: ssl.SSLContext | None = None) -> Iterator[Ear]:
        """Listen on a free port of the loopback."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"ear": self}))
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
    ear: Ear

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._hear()

    def do_POST(self) -> None:
        self._hear()

    def do_CONNECT(self) -> None:
        self._hear()

    def _hear(self) -> None:
        self.ear.heard.append(f"{self.requestline}\n{self.headers}")
        self.send_response(self.ear.status)
        if self.ear.location:
            self.send_header("Location", self.ear.location)
        body = json.dumps({"id": "00000000-0000-4000-8000-000000000000"}).encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def bridge_to(url: str) -> PrefectApi:
    """Return the bridge's half that speaks to Prefect, configured as the Lambda configures it."""
    settings = configuration({"PREFECT_API_URL": url, **SECRET})
    return PrefectApi(
        Connection(settings.prefect_api_url),
        Credentials(lambda: KEY),
        deployment_name=settings.deployment_name,
        timeout=5,
    )


def ask(url: str) -> None:
    """Have the bridge ask for a run, and take any outcome."""
    with contextlib.suppress(Stopped):
        bridge_to(url).create_run(["{}"], "key")


def certificate(folder: Path, names: list[x509.GeneralName]) -> ssl.SSLContext:
    """Return a server's context with a certificate that signed itself."""
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
def elsewhere() -> Iterator[Ear]:
    """Return a host that the bridge was not told of."""
    with Ear().listening() as ear:
        yield ear


def test_the_configured_host_gets_the_key() -> None:
    """What the other tests do not find is really sent: the ear hears it."""
    with Ear().listening() as ear:
        ask(f"http://127.0.0.1:{ear.port}/api")
    assert ear.heard
    assert all(f"Bearer {KEY}" in each for each in ear.heard)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(elsewhere: Ear, status: int) -> None:
    """Wherever Prefect, or who answers in its name, sends the bridge: it does not go there, key or no key."""
    for place in (f"http://127.0.0.1:{elsewhere.port}/api", f"//localhost:{elsewhere.port}/", "http:///"):
        with Ear(status, place).listening() as ear, pytest.raises(Stopped) as stopped:
            bridge_to(f"http://127.0.0.1:{ear.port}/api").create_run(["{}"], "key")
        assert stopped.value.code == "outage"
        assert ear.heard
    assert elsewhere.heard == []


def test_a_certificate_that_nobody_vouches_for_ends_it(tmp_path: Path) -> None:
    """A server on the loopback that signed for itself sees no request, so no key."""
    context = certificate(tmp_path, [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    with Ear().listening(context) as ear, pytest.raises(Stopped) as stopped:
        bridge_to(f"https://127.0.0.1:{ear.port}/api").create_run(["{}"], "key")
    assert stopped.value.code == "no-answer"
    assert ear.heard == []


def test_a_certificate_for_another_host_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a trusted certificate counts for its own name only; for that name it opens the way."""
    context = certificate(tmp_path, [x509.DNSName("localhost")])
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
    with Ear().listening(context) as ear:
        with pytest.raises(Stopped) as stopped:
            bridge_to(f"https://127.0.0.1:{ear.port}/api").create_run(["{}"], "key")
        assert (stopped.value.code, ear.heard) == ("no-answer", [])
        ask(f"https://localhost:{ear.port}/api")
        assert any(KEY in each for each in ear.heard)


def test_a_server_that_speaks_plainly_where_tls_was_wanted_hears_nothing(elsewhere: Ear) -> None:
    """There is no falling back to plain HTTP."""
    with pytest.raises(Stopped):
        bridge_to(f"https://127.0.0.1:{elsewhere.port}/api").create_run(["{}"], "key")
    assert elsewhere.heard == []


def test_a_proxy_of_the_environment_is_not_asked(elsewhere: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables that many clients obey lead the bridge nowhere."""
    for name in PROXIES:
        monkeypatch.setenv(name, f"http://127.0.0.1:{elsewhere.port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with Ear().listening() as ear:
        ask(f"http://127.0.0.1:{ear.port}/api")
        ask(f"https://127.0.0.1:{free_port()}/api")
    assert ear.heard
    assert elsewhere.heard == []


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
def test_an_address_that_would_give_the_key_away_is_no_setting(url: str) -> None:
    """Plain HTTP to another machine and names before an @ are refused before anything is sent."""
    with pytest.raises(ConfigurationError) as refused:
        configuration({"PREFECT_API_URL": url, **SECRET})
    assert "PREFECT_API_URL" in str(refused.value)
    assert "password" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["https://prefect.example.com\\@127.0.0.1/api", "https://a b.example.com/api"]
)
def test_a_host_that_readers_disagree_on_is_no_setting(url: str) -> None:
    """What one reader takes for the host and another for something else is refused."""
    with pytest.raises(ConfigurationError):
        configuration({"PREFECT_API_URL": url, **SECRET})


def test_the_settings_hold_no_key() -> None:
    """What the bridge is configured with names the secret, and shows nothing of it."""
    settings = configuration({"PREFECT_API_URL": "https://prefect.example.com/api", **SECRET})
    credentials = Credentials(lambda: KEY)
    assert credentials.header()
    assert KEY not in f"{settings!r} {credentials!r} {vars(settings)}"


def test_a_refused_key_is_in_no_error() -> None:
    """A 401, and a secret that cannot be used, say so without it."""
    with FakePrefect(authorization="Bearer another").serving() as fake, pytest.raises(Stopped) as refused:
        bridge_to(fake.url).create_run(["{}"], "key")
    assert refused.value.code == "not-authorized"
    for secret in (f"{KEY} {KEY}", f"{KEY}\r\nX: y", f'{{"api_key": "{KEY}', f'{{"auth_string": ["{KEY}"]}}'):
        with pytest.raises(Stopped) as malformed:
            Credentials(lambda secret=secret: secret).header()  # type: ignore[misc]
        assert KEY not in _whole(malformed.value)
    assert KEY not in _whole(refused.value)


def _whole(error: BaseException) -> str:
    """Return everything that a log could show of an error, causes included."""
    causes: Any = (error, error.__cause__, None if error.__suppress_context__ else error.__context__)
    return " ".join(f"{each!r} {getattr(each, 'doc', '')}" for each in causes if each)


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
