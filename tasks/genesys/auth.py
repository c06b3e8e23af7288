"""The access token: one for the process, fetched once for all threads, renewed before it expires."""

from __future__ import annotations

import base64
import copy
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Lock
from typing import Any

from pydantic import SecretStr
from requests import PreparedRequest
from requests.auth import AuthBase

from tasks.genesys.errors import AuthenticationFailed, GenesysError, Unavailable
from tasks.genesys.rate_limit.limiter import RequestLimiter
from tasks.genesys.rate_limit.window import Permit
from tasks.genesys.regions import Hosts
from tasks.genesys.responses import ApiResponse, error_for
from tasks.genesys.transport import ApiRequest, Transport

_RENEW_BEFORE = 55.0  # seconds before a token expires
_MAX_RENEW_SHARE = 0.2  # of a token's lifetime: one of 5 s is used for 4
_DEFAULT_LIFETIME = 300.0  # seconds, without expires_in: the shortest that Genesys lets an OAuth client have
_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}")


@dataclass(frozen=True)
class Token(AuthBase):
    """A bearer token; `good_until` is on the process's monotonic clock."""

    value: str = field(repr=False)
    good_until: float

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Sign a request."""
        request.headers["Authorization"] = f"Bearer {self.value}"
        return request


class _Basic(AuthBase):
    def __init__(self, client_id: str, secret: SecretStr) -> None:
        self._client_id = client_id
        self._secret = secret

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        credentials = f"{self._client_id}:{self._secret.get_secret_value()}".encode()
        request.headers["Authorization"] = f"Basic {base64.b64encode(credentials).decode()}"
        return request


class Authenticator:
    """Client credentials grant of one OAuth client; thread-safe, one for all clients of a process."""

    def __init__(self, transport: Transport, hosts: Hosts, client_id: str, secret: SecretStr) -> None:
        self._transport = transport
        self._hosts = hosts
        self._client_id = client_id
        self._basic = _Basic(client_id, secret)
        self._lock = Lock()
        self._token: Token | None = None
        self._failure: tuple[float, GenesysError] | None = None

    def token(self, limiter: RequestLimiter) -> Token:
        """Return a valid token; fetching one takes a permit of the limiter.

        Threads that wait for the same fetch get the same token, or the same error.
        """
        asked_at = self._now()
        if (token := self._cached()) is not None:
            return token
        with self._lock:
            if (token := self._cached()) is not None:
                return token
            if self._failure and self._failure[0] >= asked_at:
                raise copy.copy(self._failure[1])  # the fetch that this thread waited for
            return self._renew(limiter)

    def invalidate(self, token: Token) -> None:
        """Forget exactly this token; a newer one, which another thread fetched meanwhile, stays."""
        with self._lock:
            if self._token is token:
                self._token = None

    def _cached(self) -> Token | None:
        token = self._token
        return token if token is not None and self._now() < token.good_until else None

    def _renew(self, limiter: RequestLimiter) -> Token:
        try:
            self._token = self._fetch(limiter)
        except GenesysError as error:
            self._failure = (self._now(), error)
            raise
        return self._token

    def _fetch(self, limiter: RequestLimiter) -> Token:
        attempts: list[tuple[Permit, float]] = []

        def authorize() -> AuthBase:
            permit = limiter.acquire()
            attempts.append((permit, self._now()))
            return self._basic

        request = ApiRequest(
            "POST",
            f"{self._hosts.login_url}/oauth/token",
            "access token",
            form={"grant_type": "client_credentials"},
        )
        response = self._transport.exchange(
            request,
            authorize,
            region=self._hosts.region,
            observe=lambda _: limiter.answered(attempts[-1][0]),
        )
        if response.is_client_error:
            raise self._refusal(response)
        if response.status != HTTPStatus.OK:
            raise error_for(response, request.label, self._hosts.region)
        return self._read(response, attempts[-1][1])

    def _read(self, response: ApiResponse, sent_at: float) -> Token:
        value = response.body.get("access_token")
        if not isinstance(value, str) or not _TOKEN.fullmatch(value):
            raise Unavailable(
                f"{self._hosts.login_url} answered 200 without an access token",
                status=response.status,
                correlation_id=response.correlation_id,
                region=self._hosts.region,
            )
        lifetime = _lifetime(response.body.get("expires_in"))
        return Token(value, sent_at + lifetime - min(_RENEW_BEFORE, lifetime * _MAX_RENEW_SHARE))

    def _refusal(self, response: ApiResponse) -> AuthenticationFailed:
        code = f" {response.code}" if response.code else ""
        return AuthenticationFailed(
            f"{self._hosts.login_url} refused the OAuth client {self._client_id} with {response.status}{code}: "
            "check GENESYS_CLIENT_ID, GENESYS_CLIENT_SECRET and GENESYS_REGION (a client is known in its own "
            "region only)",
            status=response.status,
            correlation_id=response.correlation_id,
            region=self._hosts.region,
            genesys_code=response.code,
        )

    def _now(self) -> float:
        return self._transport.clock.monotonic()


def _lifetime(expires_in: Any) -> float:
    try:
        lifetime = float(expires_in)
    except (TypeError, ValueError, OverflowError):
        return _DEFAULT_LIFETIME
    return lifetime if lifetime > 0 else _DEFAULT_LIFETIME
