"""HTTP to Genesys Cloud: pooled connections, time-outs, and at most two tries of a request.

Anything more patient is the business of the caller: a task's retries, then a later run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from tasks.genesys.answers import OK, Answer, error_for, parse_body, wait_asked
from tasks.genesys.clock import Clock
from tasks.genesys.regions import is_loopback

log = logging.getLogger(__name__)

TRIES = 2
_POOL = 32  # connections kept per host; more threads than that open and close their own
_CHUNK = 65_536


@dataclass(frozen=True)
class Call:
    """One request: `what` names it in logs and errors, without ids."""

    method: str
    url: str
    what: str
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
        call: Call,
        authorize: Callable[[], AuthBase],
        *,
        region: str,
        tries: int = TRIES,
        observe: Callable[[Mapping[str, str]], None] | None = None,
    ) -> Answer:
        """Return the first answer that a second try would not better; Throttled or Unavailable without one.

        `authorize` is called right before each try: it waits for the budget and returns the credentials.
        `observe` is shown the headers of each answer.
        """
        for attempt in range(1, tries + 1):
            answer = replace(self._attempt(call, authorize(), attempt), attempts=attempt)
            if observe:
                observe(answer.headers)
            if not answer.retryable:
                return answer
            asked = wait_asked(answer, self.clock.now())
            wait = self._retry_delay if asked is None else asked
            if attempt == tries or wait > self._max_wait:
                break
            self.clock.sleep(wait)
        raise error_for(answer, call.what, region, asked)

    def _attempt(self, call: Call, auth: AuthBase, attempt: int) -> Answer:
        started = self.clock.monotonic()
        answer = self._send(call, auth, started)
        took = self.clock.monotonic() - started
        log.info(
            "%s: %s, try %d, %.0f ms, correlation id %s",
            call.what,
            answer.fault or answer.status,
            attempt,
            took * 1000,
            answer.correlation_id,
        )
        return answer

    def _send(self, call: Call, auth: AuthBase, started: float) -> Answer:
        """Return the answer or the fault. The library's exceptions stop here: they carry the credentials."""
        session = self._local if is_loopback(call.url) else self._remote
        try:
            with session.request(
                call.method,
                call.url,
                auth=auth,
                json=call.json,
                data=call.form,
                timeout=self._timeouts,
                allow_redirects=False,  # credentials go to the host that was checked, or nowhere
                stream=True,
            ) as response:
                return _read(response, self._body(response, started))
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            return Answer(None, fault=_kind(error))

    def _body(self, response: requests.Response, started: float) -> bytes:
        """Read the body within the time-outs: the library's own is per packet, and a drip passes it."""
        content = bytearray()
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            content += chunk
            if self.clock.monotonic() - started > sum(self._timeouts):
                raise TimeoutError
        return bytes(content)


class _Session(requests.Session):
    """A session that follows no redirect, and reads none: the library looks at it even when told not to follow."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 - the library's name
        """There is none."""
        return


def _session(*, proxies: bool) -> requests.Session:
    """One session for all threads: safe because its one mutable part, the cookies, is switched off."""
    session = _Session()
    session.trust_env = proxies  # a proxy of the company's for Genesys, never for this machine
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = "genesys-interactions"
    session.headers["Accept"] = "application/json"
    adapter = HTTPAdapter(pool_maxsize=_POOL, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _read(response: requests.Response, content: bytes) -> Answer:
    body = parse_body(content)
    if not OK <= response.status_code < 300:  # noqa: PLR2004 - HTTP's 2xx
        return Answer(response.status_code, response.headers, body or {})
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    fault = None
    if not media_type.endswith("json"):
        fault = f"answered {response.status_code} with something that is not JSON by its Content-Type"
    elif body is None:
        fault = f"answered {response.status_code} with a body that is not one whole JSON object"
    return Answer(response.status_code, response.headers, body or {}, fault)


def _kind(error: BaseException) -> str:
    """Name a failure by its types, outermost and innermost; its text could repeat a URL or a header."""
    root = error
    while root.__context__ is not None:
        root = root.__context__
    names = dict.fromkeys((type(error).__name__, type(root).__name__))
    return f"no usable answer ({', '.join(names)})"
