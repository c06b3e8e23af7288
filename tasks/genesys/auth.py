"""The access token: one for the process, fetched once however many threads ask, renewed before it ends."""

from __future__ import annotations

import base64
import copy
import re
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from pydantic import SecretStr
from requests import PreparedRequest
from requests.auth import AuthBase

from tasks.genesys.answers import OK, Answer, error_for
from tasks.genesys.budget import RequestBudget
from tasks.genesys.errors import AuthenticationFailed, GenesysError, Unavailable
from tasks.genesys.regions import Hosts
from tasks.genesys.transport import Call, Transport

RENEW_BEFORE = 55.0  # seconds before its end
_SHORT_LIVED = 0.2  # but never more of a token's life than this: one that lives 5 s is used for 4
_ASSUMED_LIFE = 300.0  # the shortest that Genesys lets a client be given, for an answer that names none
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
        self._pair = (client_id, secret)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        client_id, secret = self._pair
        pair = f"{client_id}:{secret.get_secret_value()}".encode()
        request.headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        return request


class Authenticator:
    """Client credentials for one OAuth client; share one among all clients of a process."""

    def __init__(self, transport: Transport, hosts: Hosts, client_id: str, secret: SecretStr) -> None:
        self._transport = transport
        self._hosts = hosts
        self._client_id = client_id
        self._basic = _Basic(client_id, secret)
        self._lock = Lock()
        self._token: Token | None = None
        self._failure: tuple[float, GenesysError] | None = None

    def token(self, budget: RequestBudget) -> Token:
        """Return a token that is good now; fetching one takes its turn in the caller's budget."""
        asked_at = self._now()
        if (token := self._cached()) is not None:
            return token
        with self._lock:
            if (token := self._cached()) is not None:
                return token
            if self._failure and self._failure[0] >= asked_at:
                raise copy.copy(self._failure[1])  # failed while this thread queued: the same for all who did
            return self._renew(budget)

    def drop(self, token: Token) -> None:
        """Forget exactly this token; a newer one, which another thread fetched meanwhile, stays."""
        with self._lock:
            if self._token is token:
                self._token = None

    def _cached(self) -> Token | None:
        token = self._token
        return token if token is not None and self._now() < token.good_until else None

    def _renew(self, budget: RequestBudget) -> Token:
        try:
            self._token = self._fetch(budget)
        except GenesysError as error:
            self._failure = (self._now(), error)
            raise
        return self._token

    def _fetch(self, budget: RequestBudget) -> Token:
        sent_at = self._now()

        def authorize() -> AuthBase:
            nonlocal sent_at
            budget.acquire()
            sent_at = self._now()
            return self._basic

        call = Call(
            "POST",
            f"{self._hosts.login_url}/oauth/token",
            "access token",
            form={"grant_type": "client_credentials"},
        )
        answer = self._transport.exchange(call, authorize, region=self._hosts.region)
        if answer.status != OK:
            refused = answer.status is not None and 400 <= answer.status < 500  # noqa: PLR2004 - HTTP's 4xx
            raise self._refusal(answer) if refused else error_for(answer, call.what, self._hosts.region)
        return self._read(answer, sent_at)

    def _read(self, answer: Answer, sent_at: float) -> Token:
        value = answer.body.get("access_token")
        if not isinstance(value, str) or not _TOKEN.fullmatch(value):
            raise Unavailable(
                f"{self._hosts.login_url} answered 200 without an access token",
                status=answer.status,
                correlation_id=answer.correlation_id,
                region=self._hosts.region,
            )
        life = _life(answer.body.get("expires_in"))
        return Token(value, sent_at + life - min(RENEW_BEFORE, life * _SHORT_LIVED))

    def _refusal(self, answer: Answer) -> AuthenticationFailed:
        code = f" {answer.code}" if answer.code else ""
        return AuthenticationFailed(
            f"{self._hosts.login_url} refused the OAuth client {self._client_id} with {answer.status}{code}: "
            "check GENESYS_CLIENT_ID, GENESYS_CLIENT_SECRET and GENESYS_REGION (a client is known in its own "
            "region only)",
            status=answer.status,
            correlation_id=answer.correlation_id,
            region=self._hosts.region,
            genesys_code=answer.code,
        )

    def _now(self) -> float:
        return self._transport.clock.monotonic()


def _life(expires_in: Any) -> float:
    try:
        life = float(expires_in)
    except (TypeError, ValueError, OverflowError):
        return _ASSUMED_LIFE
    return life if life > 0 else _ASSUMED_LIFE
