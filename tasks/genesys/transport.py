"""HTTP to Genesys Cloud: pooled connections, time-outs, and at most two attempts of a request.

Longer retries belong to the caller: the task's own, then a later run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from tasks import telemetry
from tasks.genesys.clock import Clock
from tasks.genesys.regions import is_loopback
from tasks.genesys.responses import ApiResponse, error_for, parse_body, retry_after_seconds

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 2
_POOL_SIZE = 32  # connections kept per host; further threads open and close their own
_CHUNK_BYTES = 65_536
MAX_ANSWER_BYTES = 64_000_000
"""Decoded bytes of an answer: a hundred whole conversations have some 5 MB, and Genesys itself refuses to send 10."""


@dataclass(frozen=True)
class ApiRequest:
    """A request; `label` names it in logs and errors, and holds no ids."""

    method: str
    url: str
    label: str
    json: dict[str, Any] | None = None
    form: dict[str, str] | None = None


class Transport:
    """Sends requests; thread-safe. Times are in seconds; a wait above `max_wait` is an error, not a sleep."""

    def __init__(
        self,
        *,
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
        max_wait: float = 30.0,
        retry_delay: float = 1.0,
        clock: Clock | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self._timeouts = (connect_timeout, read_timeout)
        self._max_wait = max_wait
        self._retry_delay = retry_delay
        self._remote, self._local = _session(proxies=True), _session(proxies=False)

    def exchange(
        self,
        request: ApiRequest,
        authorize: Callable[[], AuthBase],
        *,
        region: str,
        max_attempts: int = MAX_ATTEMPTS,
        observe: Callable[[Mapping[str, str]], None] | None = None,
    ) -> ApiResponse:
        """Return the first response that is not worth another attempt. Raises Throttled or Unavailable.

        `authorize` is called right before each attempt: it waits for a permit and returns the credentials.
        `observe` is called after each attempt with the headers of its response, none if there is no response.
        """
        for attempt in range(1, max_attempts + 1):
            response = replace(self._attempt(request, authorize(), attempt), attempts=attempt)
            if observe:
                observe(response.headers)
            if not response.retryable:
                return response
            retry_after = retry_after_seconds(response, self.clock.now())
            wait = self._retry_delay if retry_after is None else retry_after
            if attempt == max_attempts or wait > self._max_wait:
                break
            self.clock.sleep(wait)
        raise error_for(response, request.label, region, retry_after)

    def _attempt(self, request: ApiRequest, auth: AuthBase, attempt: int) -> ApiResponse:
        started = self.clock.monotonic()
        response = self._send(request, auth, started)
        telemetry.add(telemetry.REQUESTS, status=str(response.status or "none"))
        log.info(
            "%s: %s, try %d, %.0f ms, correlation id %s",
            request.label,
            response.fault or response.status,
            attempt,
            (self.clock.monotonic() - started) * 1000,
            response.correlation_id,
        )
        return response

    def _send(self, request: ApiRequest, auth: AuthBase, started: float) -> ApiResponse:
        """Return the response or the fault; exceptions of requests end here, for they hold the credentials."""
        session = self._local if is_loopback(request.url) else self._remote
        try:
            with session.request(
                request.method,
                request.url,
                auth=auth,
                json=request.json,
                data=request.form,
                timeout=self._timeouts,
                allow_redirects=False,  # credentials go to the host that was checked, and to no other
                stream=True,
            ) as response:
                content = self._read_body(response, started)
                return _without_body(response) if content is None else _parse(response, content)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            return ApiResponse(None, fault=_fault(error))

    def _read_body(self, response: requests.Response, started: float) -> bytearray | None:
        """Read the body within the time-outs; requests' own is per packet, which a slow drip never exceeds.

        None for more than MAX_ANSWER_BYTES: a kilobyte of gzip may be a megabyte, and a body need not end.
        """
        if (response.raw.length_remaining or 0) > MAX_ANSWER_BYTES:
            return None
        content = bytearray()
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
            content += chunk
            if len(content) > MAX_ANSWER_BYTES:
                return None
            if self.clock.monotonic() - started > sum(self._timeouts):
                raise TimeoutError
        return content


class _Session(requests.Session):
    """A session that does not read redirects: requests parses their target even when it is not to follow."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 - requests' name
        """Return no target."""
        return


def _session(*, proxies: bool) -> requests.Session:
    """Return a session for all threads: safe because its one mutable part, the cookies, is switched off."""
    session = _Session()
    session.trust_env = proxies  # a company's proxy is for Genesys, not for loopback
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = "genesys-interactions"
    session.headers["Accept"] = "application/json"
    adapter = HTTPAdapter(pool_maxsize=_POOL_SIZE, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _without_body(response: requests.Response) -> ApiResponse:
    """Return the response whose body is too large: of an error the status says enough."""
    if not _is_success(response):
        return ApiResponse(response.status_code, response.headers)
    fault = f"answered {response.status_code} with more than {MAX_ANSWER_BYTES // 1_000_000} MB"
    return ApiResponse(None, response.headers, fault=fault, too_large=True)


def _is_success(response: requests.Response) -> bool:
    return HTTPStatus.OK <= response.status_code < HTTPStatus.MULTIPLE_CHOICES


def _parse(response: requests.Response, content: bytearray) -> ApiResponse:
    body = parse_body(content)
    fault = None
    if _is_success(response):
        media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if not media_type.endswith("json"):
            fault = f"answered {response.status_code} with something that is not JSON by its Content-Type"
        elif body is None:
            fault = f"answered {response.status_code} with a body that is not one whole JSON object"
    return ApiResponse(response.status_code, response.headers, body or {}, fault)


def _fault(error: BaseException) -> str:
    """Name a failure by its outermost and innermost type; its text could repeat a URL or a header."""
    root = error
    while root.__context__ is not None:
        root = root.__context__
    names = dict.fromkeys((type(error).__name__, type(root).__name__))
    return f"no usable response ({', '.join(names)})"
