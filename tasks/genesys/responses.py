"""One HTTP response of Genesys Cloud: how it is read, and which error it means."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from tasks.genesys.errors import (
    AuthenticationFailed,
    BadRequest,
    GenesysError,
    Misconfigured,
    NotPermitted,
    ResponseTooLarge,
    Throttled,
    Unavailable,
)

_RETRYABLE = frozenset({408, 429, 500, 502, 503, 504})
_NO_SUCH_ENDPOINT = frozenset({404, 405})  # when the body has no code: Genesys's own 404 has one
_TOO_LARGE = frozenset({"payload.too.large", "response.entity.too.large"})  # the response, not the request
_MAX_PERMISSIONS = 5  # that an error names
_UNKNOWN_ID = frozenset({"not.found", "resource.not.found"})
_MAX_RETRY_AFTER = 7 * 86_400.0  # seconds; a larger one could overflow date arithmetic
_PERMISSION = re.compile(r"\b[A-Za-z]{1,40}:[A-Za-z]{1,60}:[A-Za-z]{1,40}\b")
_IDENTIFIER = re.compile(r"[A-Za-z0-9._-]{1,80}")  # cannot forge a log line


@dataclass(frozen=True)
class ApiResponse:
    """A response; or, with a `fault` (no connection, half a body, no JSON), why there is no usable one.

    `attempts` is the number of requests that were sent for it. Of one that is `too_large` less has to be asked for: the
    same request gives the same answer.
    """

    status: int | None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    fault: str | None = None
    attempts: int = 1
    too_large: bool = False

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed a moment later."""
        return not self.too_large and (self.fault is not None or self.status in _RETRYABLE)

    @property
    def is_client_error(self) -> bool:
        """Whether the status is a 4xx."""
        return self.status is not None and 400 <= self.status < 500  # noqa: PLR2004 - HTTP's 4xx

    @property
    def is_unknown_id(self) -> bool:
        """Whether this is a 404 of Genesys itself: it has nothing with this id."""
        return self.status == HTTPStatus.NOT_FOUND and self.code in _UNKNOWN_ID

    @property
    def correlation_id(self) -> str | None:
        """Genesys's id of this exchange, which its support asks for."""
        for candidate in (
            self.headers.get("ININ-Correlation-Id"),
            self.headers.get("Genesys-Correlation-Id"),
            self.body.get("contextId"),
        ):
            if isinstance(candidate, str) and _IDENTIFIER.fullmatch(candidate):
                return candidate
        return None

    @property
    def code(self) -> str | None:
        """The error code: of the API (`bad.request`), or of the token endpoint (`invalid_client`)."""
        code = self.body.get("code", self.body.get("error"))
        return code if isinstance(code, str) and _IDENTIFIER.fullmatch(code) else None

    @property
    def permissions(self) -> list[str]:
        """The permissions that a 403 names, such as `analytics:conversationDetail:view`."""
        parameters = self.body.get("messageParams")
        named = parameters.get("permissions") if isinstance(parameters, dict) else None
        return _PERMISSION.findall(named)[:_MAX_PERMISSIONS] if isinstance(named, str) else []

    @property
    def date(self) -> datetime | None:
        """The Date header, in UTC: Genesys's own clock."""
        return _http_date(self.headers.get("Date", ""))


def parse_body(content: bytes | bytearray) -> dict[str, Any] | None:
    """Return a JSON object with exact numbers (Decimal, as DynamoDB needs them); None for anything else."""
    try:
        # NaN and Infinity are not JSON: they become null, so that one field does not cost the whole response.
        body = json.loads(content, parse_float=Decimal, parse_constant=lambda _: None)
    except (ValueError, RecursionError, ArithmeticError):
        return None
    return body if isinstance(body, dict) else None


def retry_after_seconds(response: ApiResponse, now: datetime) -> float | None:
    """Return the wait in seconds that a response asks for, None if it asks for none.

    Retry-After comes first, as seconds or as a date; then, with a 429, the reset of the rate limit.
    """
    header = response.headers.get("Retry-After", "").strip()
    seconds = _seconds(header)
    if seconds is None and (date := _http_date(header)):
        seconds = (
            date - (response.date or now)
        ).total_seconds()  # both by Genesys's clock, if it gave a Date
    if seconds is None and response.status == HTTPStatus.TOO_MANY_REQUESTS:
        seconds = _seconds(response.headers.get("inin-ratelimit-reset", ""))
    return None if seconds is None else min(max(seconds, 0.0), _MAX_RETRY_AFTER)


def error_for(
    response: ApiResponse, label: str, region: str, retry_after: float | None = None
) -> GenesysError:
    """Return the error that a response other than a success means; `label` names the request."""
    attributes: dict[str, Any] = {
        "status": response.status,
        "correlation_id": response.correlation_id,
        "region": region,
        "genesys_code": response.code,
    }
    message = f"{label} at {region}: {_summary(response)}"
    match response.status:
        case HTTPStatus.TOO_MANY_REQUESTS:
            return Throttled(message, retry_after=retry_after, **attributes)
        case HTTPStatus.UNAUTHORIZED:
            return AuthenticationFailed(
                f"{message}; a fresh token was refused: check the OAuth client", **attributes
            )
        case HTTPStatus.FORBIDDEN:
            names = " or ".join(response.permissions)
            permission = f"the permission {names}" if names else "the permission"
            return NotPermitted(f"{message}; give the OAuth client a role with {permission}", **attributes)
    if response.retryable or not (response.is_client_error or response.too_large):
        return Unavailable(message, retry_after=retry_after, **attributes)
    if response.status in _NO_SUCH_ENDPOINT and response.code is None:
        return Misconfigured(
            f"{message}; this host does not know the call: check its URL and the region", **attributes
        )
    too_large = response.too_large or response.code in _TOO_LARGE
    return (ResponseTooLarge if too_large else BadRequest)(message, **attributes)


def _summary(response: ApiResponse) -> str:
    text = response.fault or f"answered {response.status}"
    code = f" {response.code}" if response.code else ""
    exchange = f" (correlation id {response.correlation_id})" if response.correlation_id else ""
    return f"{text}{code}{exchange}"


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None


def _http_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
