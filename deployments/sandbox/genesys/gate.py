"""The gate: every request passes it, is counted, may be struck by a fault, is authorized and limited.

The order is Genesys's as far as it shows: size, token, rate limit, then the endpoint. Faults strike after the
rate limit, as a request that ends badly has been counted all the same; latency delays every answer. An exception
that nobody foresaw is a bug of the simulator's: logged with its traceback, and answered with a 500.
"""

from __future__ import annotations

import asyncio
import logging
from email.utils import formatdate
from math import ceil
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson
from starlette.datastructures import Headers

from deployments.sandbox.genesys import api
from deployments.sandbox.genesys.errors import (
    TOO_MANY,
    LoginRefusal,
    Refusal,
    failure,
    missing_permission,
    not_found,
    too_many,
)
from deployments.sandbox.genesys.limits import REQUEST_BYTES, URL_BYTES

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from deployments.sandbox.genesys.simulator import Simulator

_LOG = logging.getLogger(__name__)
TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path


class Dropped(Exception):
    """The connection is to be dropped without an answer."""


class Exchange:
    """One request and what is known of its answer so far."""

    def __init__(self, simulator: Simulator, scope: Scope) -> None:
        self.simulator = simulator
        self.path: str = scope["path"]
        self.method: str = scope["method"]
        self.query: bytes = scope["query_string"]
        self.target = (scope["raw_path"] + (b"?" + self.query if self.query else b"")).decode("latin-1")
        self.headers = Headers(scope=scope)
        self.moment = simulator.now()
        self.correlation_id = str(uuid4())
        self.limit_headers: dict[str, str] = {}
        self.is_login = self.path == TOKEN_PATH
        self.found = api.find(self.path)

    def count(self) -> None:
        """Count the request, under a name that holds no id; and remember its address as it came."""
        self.simulator.targets.append(self.target)
        name = next((each.name for each, _ in self.found if each.method == self.method), "other")
        self.simulator.all_requests.add("POST /oauth/token" if self.is_login else name, self.moment)
        if not self.is_login:
            self.simulator.api_requests.add(name, self.moment)

    def admit(self) -> None:
        """Let the request in, or raise the refusal."""
        faults = self.simulator.faults
        token = None if self.is_login else self._token()
        if token is not None:
            standing = self.simulator.limits.count(token, self.moment, faults.rate_limit, faults.rate_window)
            self.limit_headers = standing.headers()
        throttle = faults.throttled(self.moment)
        if throttle:
            faults.strike("throttle")
            raise too_many(throttle.retry_after, faults.rate_limit, faults.rate_window)
        if self.is_login:
            return
        if token is None:
            self.simulator.tokens.check(self.headers.get("authorization", ""), self.moment)
        elif standing.exceeded:
            raise too_many(standing.reset, faults.rate_limit, faults.rate_window)

    def _token(self) -> str | None:
        try:
            return self.simulator.tokens.check(self.headers.get("authorization", ""), self.moment)
        except Refusal:
            return None

    def answer(self, body: bytes) -> Any:
        """Return the answer of the login or of the endpoint."""
        simulator = self.simulator
        if self.is_login:
            if self.method != "POST":
                raise Refusal(405, "method.not.allowed", "HTTP 405 Method Not Allowed")
            life = simulator.faults.token_life
            return simulator.tokens.issue(self.headers, body, simulator.now(), life)
        endpoint, identifier = self._endpoint()
        if self.method == "POST" and not self._is_json():
            raise failure(415)
        needed = endpoint.permissions
        if needed and simulator.faults.missing_permission.issuperset(needed):
            raise missing_permission(needed)
        return endpoint.answer(api.call(simulator, identifier, self.query, body))

    def _endpoint(self) -> tuple[api.Endpoint, str]:
        if not self.found:
            raise not_found("resource", self.path[:80])
        for endpoint, identifier in self.found:
            if endpoint.method == self.method:
                return endpoint, identifier
        raise Refusal(405, "method.not.allowed", "HTTP 405 Method Not Allowed")

    def _is_json(self) -> bool:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"

    def failure(self) -> Refusal:
        """Return the error that the fault `status` asks for, in the words of the login or of the API."""
        faults = self.simulator.faults
        if faults.status == TOO_MANY:
            return too_many(ceil(faults.rate_window), faults.rate_limit, faults.rate_window)
        if self.is_login and faults.status in (400, 401):
            return LoginRefusal(faults.status, "invalid_client", "authentication failed")
        return failure(faults.status)

    def head(self) -> dict[str, str]:
        """Return the headers that every answer carries."""
        moment = self.simulator.now() + self.simulator.faults.date_offset
        return {
            "Date": formatdate(moment, usegmt=True),
            "ININ-Correlation-Id": self.correlation_id,
            "Cache-Control": "no-cache, no-store",
            **self.limit_headers,
        }


class Gate:
    """The ASGI application of login and API."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        exchange = Exchange(self._simulator, scope)
        exchange.count()
        try:
            status, headers, content = await self._answer(exchange, scope, receive)
        except Dropped:
            await drop(receive, send)
            return
        await self._delay(exchange)
        self._simulator.statuses[status] += 1
        if await self._send(exchange, send, status, headers, content):
            return
        await drop(receive, send)

    async def _answer(
        self, exchange: Exchange, scope: Scope, receive: Receive
    ) -> tuple[int, dict[str, str], bytes]:
        try:
            body = await _body(scope, receive)
            exchange.admit()
            await self._faults(exchange, receive)
            return 200, {}, orjson.dumps(exchange.answer(body))
        except Refusal as refusal:
            return refusal.status, refusal.headers, orjson.dumps(refusal.body(exchange.correlation_id))
        except Dropped:
            raise
        except Exception:  # noqa: BLE001 - an answer all the same, and loud
            _LOG.exception("a bug in the simulator, at %s", exchange.target)
            return 500, {}, orjson.dumps(failure(500).body(exchange.correlation_id))

    def _strikes(self, exchange: Exchange) -> bool:
        return self._simulator.faults.strikes in ("all", "token" if exchange.is_login else "api")

    async def _delay(self, exchange: Exchange) -> None:
        """Be late, if that is set: with refusals too."""
        latency = self._simulator.faults.latency
        if latency[1] and self._strikes(exchange):
            await asyncio.sleep(self._simulator.rng.uniform(*latency))

    async def _faults(self, exchange: Exchange, receive: Receive) -> None:
        """Hang or fail: whatever is set and strikes this request."""
        faults, rng = self._simulator.faults, self._simulator.rng
        if not self._strikes(exchange):
            return
        if faults.hits(rng, "timeout", faults.timeout_rate):
            await _hang(receive, faults.timeout_seconds)
            raise Dropped
        if faults.error_next:
            faults.error_next -= 1
            faults.strike("error")
            raise exchange.failure()
        if faults.hits(rng, "error", faults.error_rate):
            raise exchange.failure()

    async def _send(
        self, exchange: Exchange, send: Send, status: int, headers: dict[str, str], content: bytes
    ) -> bool:
        """Send an answer and return True, or the first half of it and return False."""
        faults, rng = self._simulator.faults, self._simulator.rng
        kind, cut = "application/json", len(content)
        if faults.hits(rng, "wrong_content_type", faults.wrong_content_type_rate):
            kind, content = "text/html", b"<html><body>Please wait</body></html>"
            cut = len(content)
        elif faults.hits(rng, "half_body", faults.half_body_rate):
            cut = len(content) // 2
        fields = exchange.head() | headers | {"Content-Type": kind, "Content-Length": str(len(content))}
        raw = [(name.lower().encode(), value.encode()) for name, value in fields.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        whole = cut == len(content)
        await send({"type": "http.response.body", "body": content[:cut], "more_body": not whole})
        return whole


async def _body(scope: Scope, receive: Receive) -> bytes:
    """Return the request's body, unless it or the address is too long."""
    if len(scope["query_string"]) + len(scope["path"]) > URL_BYTES:
        raise Refusal(414, "request.uri.too.long", "The request URI is too long.")
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
        if size > REQUEST_BYTES:
            text = f"The request entity exceeds the maximum of {REQUEST_BYTES} bytes."
            limit = {"key": "request.bytes.max", "namespace": "platform.api", "value": REQUEST_BYTES}
            raise Refusal(413, "request.entity.too.large", text, limit=limit)
    return b"".join(parts)


async def _hang(receive: Receive, seconds: float) -> None:
    """Wait until the time is over or the client has had enough."""
    try:
        async with asyncio.timeout(seconds):
            await _gone(receive)
    except TimeoutError:
        return


async def _gone(receive: Receive) -> None:
    """Wait until the connection is no more."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def drop(receive: Receive, send: Send) -> None:
    """Close the connection without finishing the answer.

    ASGI has no message for it, so this reaches for the transport of uvicorn's cycle, whose method `send` is.
    """
    cycle = send.__self__  # type: ignore[attr-defined]
    cycle.transport.close()
    await _gone(receive)
