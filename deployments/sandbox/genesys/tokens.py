"""Tokens: POST /oauth/token, and which tokens still live."""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote_plus
from uuid import uuid4

from deployments.sandbox.genesys.errors import LoginRefusal, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

# What the sandbox's clients use; any other pair is refused.
CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-secret"  # noqa: S105 - it opens nothing but this simulator

Form = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Client:
    """An OAuth client of the kind "client credentials"."""

    id: str = CLIENT_ID
    secret: str = CLIENT_SECRET


class Tokens:
    """The tokens that were issued to the one client of the organization."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._expiry: dict[str, float] = {}
        self.issued = 0

    def issue(self, headers: Mapping[str, str], body: bytes, moment: float, life: float) -> dict[str, object]:
        """Return the answer to a token request, or raise what is wrong with it."""
        form = parse_qs(body.decode("utf-8", "replace"))
        self._check_client(*_credentials(headers.get("authorization", ""), form))
        grant = form.get("grant_type", [""])[0]
        if not grant:
            raise LoginRefusal(400, "invalid_request", "grant_type is required")
        if grant != "client_credentials":
            raise LoginRefusal(400, "unsupported_grant_type", f"unsupported grant type: {grant[:40]}")
        self._prune(moment)
        token = f"sim-{uuid4().hex}{uuid4().hex}"
        self._expiry[token] = moment + life
        self.issued += 1
        return {"access_token": token, "token_type": "bearer", "expires_in": int(life)}

    def _check_client(self, client_id: str, secret: str) -> None:
        if not hmac.compare_digest(client_id.encode(), self._client.id.encode()):
            raise LoginRefusal(400, "invalid_client", "client not found: invalid_client")
        if not hmac.compare_digest(secret.encode(), self._client.secret.encode()):
            raise LoginRefusal(401, "invalid_client", "authentication failed")

    def check(self, authorization: str, moment: float) -> str:
        """Return the live token of an Authorization header, or raise a 401."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            text = "No authentication bearer token specified in authorization header."
            raise Refusal(401, "authentication.required", text)
        if self._expiry.get(token, 0.0) <= moment:
            raise Refusal(401, "bad.credentials", "Invalid login credentials.")
        return token

    def alive(self, moment: float) -> int:
        """Return how many tokens still live."""
        return sum(expiry > moment for expiry in self._expiry.values())

    def _prune(self, moment: float) -> None:
        for token in [t for t, expiry in self._expiry.items() if expiry <= moment]:
            del self._expiry[token]

    def revoke(self) -> None:
        """Let every token die now."""
        self._expiry.clear()


def _credentials(authorization: str, form: Form) -> tuple[str, str]:
    """Return id and secret from the Basic header, or from the form (client_secret_post)."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", [""])[0], form.get("client_secret", [""])[0]
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise LoginRefusal(400, "invalid_request", "malformed authorization header") from error
    client_id, _, secret = text.partition(":")
    return unquote_plus(client_id), unquote_plus(secret)
