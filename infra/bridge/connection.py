"""One HTTP connection, kept open between requests and between invocations."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult

from errors import DeliveryHalted

MAX_RESPONSE_BYTES = 8_000_000
"""Prefect's response to a new run repeats the run's parameters: it is about as large as the request."""


class Connection:
    """Sends JSON to one origin and reads JSON. A redirect is returned as a response, never followed."""

    def __init__(self, url: SplitResult) -> None:
        self._url = url
        self._open: http.client.HTTPConnection | None = None

    def request(
        self, method: str, path: str, body: object, headers: Mapping[str, str], timeout: float
    ) -> tuple[int, Any]:
        """Return status and parsed body (None if it is not JSON); raise DeliveryHalted without a response."""
        payload = None if body is None else json.dumps(body, separators=(",", ":")).encode("ascii")
        reused = self._open is not None
        try:
            return self._exchange(method, path, payload, headers, timeout)
        except TimeoutError:
            self.close()
            raise DeliveryHalted("time-out") from None
        except (OSError, http.client.HTTPException):
            self.close()
        if not reused:
            raise DeliveryHalted("no-answer")
        # The server may have closed the idle connection. Sending twice is safe: every POST has an idempotency key.
        return self.request(method, path, body, headers, timeout)

    def close(self) -> None:
        """Close the connection; the next request opens a new one."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def __del__(self) -> None:
        """Close the socket, which http.client leaves open."""
        self.close()

    def _exchange(
        self, method: str, path: str, payload: bytes | None, headers: Mapping[str, str], timeout: float
    ) -> tuple[int, Any]:
        deadline = time.monotonic() + timeout
        connection = self._opened(timeout)
        given = {"Accept": "application/json", "User-Agent": "interactions-bridge", **headers}
        if payload is not None:
            given["Content-Type"] = "application/json"
        connection.request(method, self._url.path + path, payload, given)
        response = connection.getresponse()
        answer = _read(response, deadline)
        if response.will_close:
            self.close()
        return response.status, _parsed(answer)

    def _opened(self, timeout: float) -> http.client.HTTPConnection:
        if self._open is None:
            host, port = self._url.hostname or "", self._url.port
            if self._url.scheme == "https":
                context = ssl.create_default_context()
                self._open = http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
            else:
                self._open = http.client.HTTPConnection(host, port, timeout=timeout)
        self._open.timeout = timeout
        if self._open.sock is not None:
            self._open.sock.settimeout(timeout)
        return self._open


def _read(response: http.client.HTTPResponse, deadline: float) -> bytes:
    """Return the whole body; raise TimeoutError at the deadline, which a socket's time-out per read does not keep."""
    parts: list[bytes] = []
    while part := response.read1(65_536):
        parts.append(part)
        if time.monotonic() > deadline or sum(map(len, parts)) > MAX_RESPONSE_BYTES:
            raise TimeoutError
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    response.close()  # read1 does not close it at its end, and the connection would accept no further request
    return b"".join(parts)


def _parsed(answer: bytes) -> Any:
    try:
        return json.loads(answer)
    except (ValueError, RecursionError):
        return None
