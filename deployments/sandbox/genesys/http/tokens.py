"""POST /oauth/token, and the tokens that are valid."""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote_plus
from uuid import uuid4

from deployments.sandbox.genesys.http.errors import ApiError, OAuthError

if TYPE_CHECKING:
    from collections.abc import Mapping

# The default credentials; any others are refused.
CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-secret"  # noqa: S105 - valid for this simulator only

Form = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """The id and the secret of an OAuth client with the grant client_credentials."""

    id: str = CLIENT_ID
    secret: str = CLIENT_SECRET


class Tokens:
    """The tokens of the organization's one client, each with its expiry (epoch s)."""

    def __init__(self, client: OAuthClient) -> None:
        self._client = client
        self._expiry: dict[str, float] = {}
        self.issued = 0

    def issue(self, headers: Mapping[str, str], body: bytes, moment: float, life: float) -> dict[str, object]:
        """Issue a token that expires `life` seconds after a moment (epoch s). Raises OAuthError."""
        form = parse_qs(body.decode("utf-8", "replace"))
        self._check_client(*_credentials(headers.get("authorization", ""), form))
        grant = form.get("grant_type", [""])[0]
        if not grant:
            raise OAuthError(400, "invalid_request", "grant_type is required")
        if grant != "client_credentials":
            raise OAuthError(400, "unsupported_grant_type", f"unsupported grant type: {grant[:40]}")
        self._prune(moment)
        token = f"sim-{uuid4().hex}{uuid4().hex}"
        self._expiry[token] = moment + life
        self.issued += 1
        return {"access_token": token, "token_type": "bearer", "expires_in": int(life)}

    def _check_client(self, client_id: str, secret: str) -> None:
        if not hmac.compare_digest(client_id.encode(), self._client.id.encode()):
            raise OAuthError(400, "invalid_client", "client not found: invalid_client")
        if not hmac.compare_digest(secret.encode(), self._client.secret.encode()):
            raise OAuthError(401, "invalid_client", "authentication failed")

    def check(self, authorization: str, moment: float) -> str:
        """Return the token of an Authorization header. Raises the 401 of one that is missing or not valid."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            text = "No authentication bearer token specified in authorization header."
            raise ApiError(401, "authentication.required", text)
        if self._expiry.get(token, 0.0) <= moment:
            raise ApiError(401, "bad.credentials", "Invalid login credentials.")
        return token

    def alive(self, moment: float) -> int:
        """Return the number of tokens that are valid at a moment (epoch s)."""
        return sum(expiry > moment for expiry in self._expiry.values())

    def _prune(self, moment: float) -> None:
        for token in [t for t, expiry in self._expiry.items() if expiry <= moment]:
            del self._expiry[token]

    def revoke(self) -> None:
        """Revoke all tokens."""
        self._expiry.clear()


def _credentials(authorization: str, form: Form) -> tuple[str, str]:
    """Return client id and secret from the Basic header, or from the form (client_secret_post)."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", [""])[0], form.get("client_secret", [""])[0]
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise OAuthError(400, "invalid_request", "malformed authorization header") from error
    client_id, _, secret = text.partition(":")
    return unquote_plus(client_id), unquote_plus(secret)
