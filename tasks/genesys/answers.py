"""One HTTP answer of Genesys Cloud: how it is read, and what follows from it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

from tasks.genesys.errors import (
    AuthenticationFailed,
    BadRequest,
    GenesysError,
    Misconfigured,
    NotPermitted,
    Throttled,
    Unavailable,
)

OK, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, TOO_MANY = 200, 401, 403, 404, 429
RETRYABLE = frozenset({408, 429, 500, 502, 503, 504})
_NO_SUCH_CALL = frozenset({404, 405})  # Genesys's own 404 has a code; a stranger's has none
_LONGEST_WAIT = 7 * 86_400.0  # a date in the next century must not overflow somebody's arithmetic
_CORRELATION_ID = re.compile(r"[A-Za-z0-9._-]{1,80}")
_CODE = re.compile(r"[A-Za-z0-9._-]{1,80}")


@dataclass(frozen=True)
class Answer:
    """What came back: `fault` says why there is nothing usable (no connection, half a body, no JSON)."""

    status: int | None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    fault: str | None = None
    attempts: int = 1

    @property
    def retryable(self) -> bool:
        """Whether the same request may be answered better in a moment."""
        return self.fault is not None or self.status in RETRYABLE

    @property
    def correlation_id(self) -> str | None:
        """Genesys's name for this exchange, which its support asks for."""
        body_id = self.body.get("contextId")
        for name in (
            self.headers.get("ININ-Correlation-Id"),
            self.headers.get("Genesys-Correlation-Id"),
            body_id,
        ):
            if isinstance(name, str) and _CORRELATION_ID.fullmatch(name):
                return name
        return None

    @property
    def code(self) -> str | None:
        """Genesys's error code (`bad.request`), or the token endpoint's (`invalid_client`)."""
        code = self.body.get("code", self.body.get("error"))
        return code if isinstance(code, str) and _CODE.fullmatch(code) else None

    @property
    def date(self) -> datetime | None:
        """When Genesys says it answered, in UTC."""
        return _http_date(self.headers.get("Date", ""))


def parse_body(content: bytes) -> dict[str, Any] | None:
    """Return a JSON object with exact numbers (Decimal, as DynamoDB wants them); None for anything else."""
    try:
        # NaN and Infinity are not JSON and fit no record: they become nulls rather than cost a whole answer.
        body = json.loads(content, parse_float=Decimal, parse_constant=lambda _: None)
    except (ValueError, RecursionError, ArithmeticError):
        return None
    return body if isinstance(body, dict) else None


def wait_asked(answer: Answer, now: datetime) -> float | None:
    """Return the seconds that the answer asks us to stay away: Retry-After, else the rate limit's reset."""
    asked = answer.headers.get("Retry-After", "").strip()
    seconds = _seconds(asked)
    if seconds is None and (date := _http_date(asked)):
        seconds = (date - (answer.date or now)).total_seconds()  # both by Genesys's clock, where it has one
    if seconds is None and answer.status == TOO_MANY:
        seconds = _seconds(answer.headers.get("inin-ratelimit-reset", ""))
    return None if seconds is None else min(max(seconds, 0.0), _LONGEST_WAIT)


def error_for(answer: Answer, what: str, region: str, retry_after: float | None = None) -> GenesysError:
    """Return the error that an answer other than success means; `what` says what was asked."""
    facts: dict[str, Any] = {
        "status": answer.status,
        "correlation_id": answer.correlation_id,
        "region": region,
        "genesys_code": answer.code,
    }
    story = f"{what} at {region}: {_finding(answer)}"
    if answer.status == TOO_MANY:
        return Throttled(story, retry_after=retry_after, **facts)
    if answer.status == UNAUTHORIZED:
        return AuthenticationFailed(f"{story}; a fresh token was refused: check the OAuth client", **facts)
    if answer.status == FORBIDDEN:
        return NotPermitted(f"{story}; give the OAuth client a role with the permission", **facts)
    if answer.retryable or answer.status is None or not 400 <= answer.status < 500:  # noqa: PLR2004 - HTTP's 4xx
        return Unavailable(story, retry_after=retry_after, **facts)
    if answer.status in _NO_SUCH_CALL and answer.code is None:
        return Misconfigured(
            f"{story}; this host does not know the call: check its URL and the region", **facts
        )
    return BadRequest(story, **facts)


def _finding(answer: Answer) -> str:
    finding = answer.fault or f"answered {answer.status}"
    code = f" {answer.code}" if answer.code else ""
    return f"{finding}{code}" + (
        f" (correlation id {answer.correlation_id})" if answer.correlation_id else ""
    )


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
