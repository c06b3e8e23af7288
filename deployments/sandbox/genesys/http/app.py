"""ApiApplication: the ASGI application of login and API.

Every request is counted and authorized, then a fault may be injected, then its endpoint responds. Errors and
hanging requests come after the rate limit, because they count there too; travel delays every request before it is
counted, latency every response, errors included. An unexpected exception is logged with its traceback and answered
with a 500.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
from functools import cache
from typing import TYPE_CHECKING

import orjson

from deployments.sandbox.genesys.http.errors import (
    ApiError,
    EndlessAnswer,
    error_for_status,
    response_too_large,
)
from deployments.sandbox.genesys.http.exchange import ApiExchange
from deployments.sandbox.genesys.http.limits import REQUEST_BYTES, URL_BYTES

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from deployments.sandbox.genesys.simulator import Simulator

_LOG = logging.getLogger(__name__)


class ConnectionDropped(Exception):
    """The connection must be closed without a response."""


class ApiApplication:
    """Responds to the requests of one simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request."""
        await self._pause(self._simulator.faults.travel)
        exchange = ApiExchange(self._simulator, scope)
        exchange.count()
        try:
            status, headers, content = await self._respond(exchange, scope, receive)
        except ConnectionDropped:
            await drop(receive, send)
            return
        await self._delay(exchange)
        self._simulator.statuses[status] += 1
        complete = await self._send(exchange, send, status, headers, content)
        if not complete:
            await drop(receive, send)

    async def _respond(
        self, exchange: ApiExchange, scope: Scope, receive: Receive
    ) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of the response."""
        try:
            body = await _body(scope, receive)
            exchange.authorize()
            await self._inject_fault(exchange, receive)
            return exchange.status, {}, self._content(exchange, body)
        except EndlessAnswer:
            return 200, {"Content-Encoding": "gzip"}, _endless()
        except ApiError as error:
            return error.status, error.headers, orjson.dumps(error.body(exchange.correlation_id))
        except ConnectionDropped:
            raise
        except Exception:  # noqa: BLE001 - every request must get a response
            _LOG.exception("internal error of the simulator at %s", exchange.target)
            return 500, {}, orjson.dumps(error_for_status(500).body(exchange.correlation_id))

    def _content(self, exchange: ApiExchange, body: bytes) -> bytes:
        """Return the body of a success. Raises the refusal of one that is too large."""
        faults, content = self._simulator.faults, orjson.dumps(exchange.respond(body))
        if len(content) > faults.response_bytes_max:
            faults.record("response_too_large")
            raise response_too_large(query=exchange.method == "POST")
        return content

    def _is_target(self, exchange: ApiExchange) -> bool:
        """Return whether the setting `strikes` includes this request."""
        return self._simulator.faults.strikes in ("all", "token" if exchange.is_login else "api")

    async def _delay(self, exchange: ApiExchange) -> None:
        if self._is_target(exchange):
            await self._pause(self._simulator.faults.latency)

    async def _pause(self, seconds: tuple[float, float]) -> None:
        if seconds[1]:
            await asyncio.sleep(self._simulator.rng.uniform(*seconds))

    async def _inject_fault(self, exchange: ApiExchange, receive: Receive) -> None:
        """Inject a fault if one is due: hang and raise ConnectionDropped, or raise an ApiError."""
        faults, rng = self._simulator.faults, self._simulator.rng
        if not self._is_target(exchange):
            return
        if faults.occurs(rng, "timeout", faults.timeout_rate):
            await _hang(receive, faults.timeout_seconds)
            raise ConnectionDropped
        if faults.error_next:
            faults.error_next -= 1
            faults.record("error")
            raise exchange.injected_error()
        if faults.occurs(rng, "error", faults.error_rate):
            raise exchange.injected_error()

    async def _send(
        self, exchange: ApiExchange, send: Send, status: int, headers: dict[str, str], content: bytes
    ) -> bool:
        """Send a response, or its first half if that fault occurs; return whether it was complete."""
        faults, rng = self._simulator.faults, self._simulator.rng
        kind, cut = "application/json", len(content)
        if faults.occurs(rng, "wrong_content_type", faults.wrong_content_type_rate):
            kind, content = "text/html", b"<html><body>Please wait</body></html>"
            cut = len(content)
        elif faults.occurs(rng, "half_body", faults.half_body_rate):
            cut = len(content) // 2
        fields = exchange.response_headers() | headers
        fields |= {"Content-Type": kind, "Content-Length": str(len(content))}
        raw = [(name.lower().encode(), value.encode()) for name, value in fields.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        complete = cut == len(content)
        await send({"type": "http.response.body", "body": content[:cut], "more_body": not complete})
        return complete


@cache
def _endless() -> bytes:
    """Return half a megabyte of gzip, which is 100 MB of blanks: more than any answer has."""
    return gzip.compress(b" " * 100_000_000, 1)


async def _body(scope: Scope, receive: Receive) -> bytes:
    """Return the request's body. Raises the 413 or 414 of a body or an address that is too long."""
    if len(scope["query_string"]) + len(scope["path"]) > URL_BYTES:
        raise ApiError(414, "request.uri.too.long", "The request URI is too long.")
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
        if size > REQUEST_BYTES:
            text = f"The request entity exceeds the maximum of {REQUEST_BYTES} bytes."
            limit = {"key": "request.bytes.max", "namespace": "platform.api", "value": REQUEST_BYTES}
            raise ApiError(413, "request.entity.too.large", text, limit=limit)
    return b"".join(parts)


async def _hang(receive: Receive, seconds: float) -> None:
    """Return when the time is over or the client has disconnected."""
    try:
        async with asyncio.timeout(seconds):
            await _disconnected(receive)
    except TimeoutError:
        return


async def _disconnected(receive: Receive) -> None:
    """Return when the client has disconnected."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def drop(receive: Receive, send: Send) -> None:
    """Close the connection in the middle of a response.

    ASGI has no message for this, so it uses the transport of uvicorn's cycle, whose bound method `send` is.
    """
    cycle = send.__self__  # type: ignore[attr-defined]
    cycle.transport.close()
    await _disconnected(receive)
