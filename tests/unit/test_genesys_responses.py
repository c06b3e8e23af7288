"""How a response of Genesys is read, and which error it means."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tasks.errors import DependencyUnavailable, PermanentError, TransientError
from tasks.genesys import (
    AuthenticationFailed,
    BadRequest,
    GenesysError,
    InvalidHost,
    NotPermitted,
    RateLimiterUnavailable,
    Throttled,
    Unavailable,
)
from tasks.genesys.responses import ApiResponse, error_for, parse_body, retry_after_seconds

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"Retry-After": "42"}, 42),
        (429, {"Retry-After": "1.5", "inin-ratelimit-reset": "9"}, 1.5),
        (429, {"Retry-After": "Sun, 01 Mar 2026 12:00:30 GMT"}, 30),
        (429, {"Retry-After": "Sun, 01 Mar 2026 11:00:00 GMT"}, 0),
        (429, {"Retry-After": "Sun, 01 Mar 2026 13:00:30 GMT", "Date": "Sun, 01 Mar 2026 13:00:00 GMT"}, 30),
        (429, {"inin-ratelimit-reset": "9"}, 9),
        (429, {"Retry-After": "soon", "inin-ratelimit-reset": "9"}, 9),
        (503, {"Retry-After": "3"}, 3),
        (503, {"inin-ratelimit-reset": "9"}, None),
        (429, {}, None),
        (429, {"Retry-After": "inf"}, None),
        (429, {"Retry-After": "-5"}, 0),
        (429, {"Retry-After": "9" * 30}, 7 * 86_400),
    ],
)
def test_the_wait_that_a_response_asks_for(
    status: int, headers: dict[str, str], seconds: float | None
) -> None:
    """Retry-After in either form comes first, then the rate limit's reset; an invalid one asks for nothing."""
    assert retry_after_seconds(ApiResponse(status, headers), NOW) == seconds


def test_numbers_are_exact() -> None:
    """A float becomes a Decimal, as DynamoDB needs it; an integer stays one."""
    assert parse_body(b'{"mos": 4.37, "tTalk": 9007199254740993}') == {
        "mos": Decimal("4.37"),
        "tTalk": 9007199254740993,
    }


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"null", b'{"a": 1', b"<html>", b"\xff\xfe\x00", b"[" * 100_000, b'{"a":' + b"9" * 9999],
)
def test_anything_but_a_whole_json_object_is_no_body(content: bytes) -> None:
    """Half a body, other JSON, other encodings and too deep nesting are all unusable."""
    assert parse_body(content) is None


def test_nan_and_infinity_become_null() -> None:
    """NaN in one field does not cost the other conversations of the response."""
    assert parse_body(b'{"a": NaN, "b": -Infinity, "c": 1}') == {"a": None, "b": None, "c": 1}


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({"ININ-Correlation-Id": "a-1"}, {"contextId": "b-2"}, "a-1"),
        ({"Genesys-Correlation-Id": "g-1"}, {}, "g-1"),
        ({}, {"contextId": "b-2"}, "b-2"),
        ({"ININ-Correlation-Id": "x y"}, {"contextId": "forged\nline"}, None),
        ({}, {"contextId": 7}, None),
    ],
)
def test_the_correlation_id_is_found_in_headers_or_body(
    headers: dict[str, str], body: dict[str, object], expected: str | None
) -> None:
    """Headers come before the body; an id that could forge a log line is left out."""
    assert ApiResponse(200, headers, body).correlation_id == expected


@pytest.mark.parametrize(
    ("status", "error", "root"),
    [
        (400, BadRequest, PermanentError),
        (401, AuthenticationFailed, PermanentError),
        (403, NotPermitted, PermanentError),
        (404, BadRequest, PermanentError),
        (408, Unavailable, TransientError),
        (413, BadRequest, PermanentError),
        (429, Throttled, TransientError),
        (500, Unavailable, TransientError),
        (504, Unavailable, TransientError),
        (302, Unavailable, TransientError),
        (None, Unavailable, TransientError),
    ],
)
def test_each_status_has_its_error(
    status: int | None, error: type[GenesysError], root: type[Exception]
) -> None:
    """The status decides between permanent and transient; the error has status, ids and region, and no prose."""
    body = {"code": "some.code", "contextId": "c-1", "message": "Jane Doe, +4912345"}
    found = error_for(ApiResponse(status, {}, body), "details of 3", "mypurecloud.ie")
    assert type(found) is error
    assert isinstance(found, root)
    assert (found.status, found.region, found.correlation_id) == (status, "mypurecloud.ie", "c-1")
    assert found.genesys_code == "some.code"
    assert "some.code" in str(found)
    assert "c-1" in str(found)
    assert "Jane" not in str(found)


def test_errors_survive_a_process_boundary() -> None:
    """Prefect pickles exceptions: every attribute survives it."""
    error = Throttled("slow down", retry_after=42.0, status=429, correlation_id="c", region="r")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(copy), str(copy), copy.__dict__) == (Throttled, "slow down", error.__dict__)


def test_error_codes_are_stable() -> None:
    """Quarantine rows and outcomes hold these codes."""
    kinds = (
        Throttled,
        Unavailable,
        RateLimiterUnavailable,
        InvalidHost,
        AuthenticationFailed,
        NotPermitted,
        BadRequest,
    )
    assert [kind.code for kind in kinds] == [
        "throttled",
        "unavailable",
        "budget-unavailable",
        "invalid-host",
        "authentication-failed",
        "not-permitted",
        "bad-request",
    ]
    assert issubclass(RateLimiterUnavailable, DependencyUnavailable)
