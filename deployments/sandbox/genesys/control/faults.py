"""Faults: the settings of POST /_sim/faults. Random faults are drawn from a seeded generator."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from deployments.sandbox.genesys.control.validation import (
    Reader,
    conversation_ids,
    one_of,
    read_fields,
    text_list,
    whole_number,
)
from deployments.sandbox.genesys.http.errors import STATUSES
from deployments.sandbox.genesys.http.limits import REQUESTS_A_MINUTE, RESPONSE_BYTES, WINDOW_SECONDS

if TYPE_CHECKING:
    from random import Random

MAX_PAGE_SIZE = 100  # of a details query
MAX_IDS = 100  # in one multi-get; undocumented, public clients keep to it
DEFAULT_TOKEN_LIFE = 86_400.0
LAKE_LAG = 4 * 3600.0  # assumed: "hours to a day"
JOB_LIFE = 3 * 86_400.0  # assumed, as are the next two
CURSOR_LIFE = 3600.0
MAX_JOB_PAGE_SIZE = 1_000
JOB_ENDS = ("FULFILLED", "FAILED", "CANCELLED", "EXPIRED")


@dataclass(frozen=True, slots=True)
class Throttle:
    """429 for every request until a moment (epoch s); `retry_after` None omits the header."""

    retry_after: int | None
    until: float


@dataclass(slots=True)
class Faults:
    """The settings; with the defaults nothing fails. Durations are in seconds, `injected` counts by fault."""

    error_rate: float = 0.0
    error_next: int = 0
    status: int = 500
    latency: tuple[float, float] = (0.0, 0.0)
    travel: tuple[float, float] = (0.0, 0.0)
    timeout_rate: float = 0.0
    timeout_seconds: float = 60.0
    half_body_rate: float = 0.0
    wrong_content_type_rate: float = 0.0
    strikes: str = "all"
    not_settled_for: float = 0.0
    not_settled_ids: frozenset[str] = frozenset()
    unknown_for: float = 0.0
    unknown_ids: frozenset[str] = frozenset()
    reject_ids: frozenset[str] = frozenset()
    endless_ids: frozenset[str] = frozenset()
    ids_max: int = MAX_IDS
    response_bytes_max: int = RESPONSE_BYTES
    page_max: int = MAX_PAGE_SIZE
    total_hits: str = "estimate"
    stale_rate: float = 0.0
    lake_lag: float = LAKE_LAG
    job_seconds: float = 1.0
    job_ends_as: str = JOB_ENDS[0]
    job_life: float = JOB_LIFE
    job_page_max: int = MAX_JOB_PAGE_SIZE
    cursor_life: float = CURSOR_LIFE
    token_life: float = DEFAULT_TOKEN_LIFE
    rate_limit: int = REQUESTS_A_MINUTE
    rate_window: float = WINDOW_SECONDS
    missing_permission: frozenset[str] = frozenset()
    unknown_directory_ids: frozenset[str] = frozenset()
    date_offset: float = 0.0
    throttle: Throttle | None = None
    seed: int = 0
    injected: dict[str, int] = field(default_factory=dict)

    def change(self, wanted: dict[str, Any], moment: float) -> None:
        """Change the named settings at a moment (epoch s). Raises ValueError, and changes nothing, if one is wrong."""
        settings = read_fields(wanted, READERS)
        if throttle := settings.get("throttle"):
            settings["throttle"] = Throttle(throttle.get("retry_after"), moment + throttle["for_seconds"])
        for name, value in settings.items():
            setattr(self, name, value)

    def record(self, name: str) -> None:
        """Count an injected fault."""
        self.injected[name] = self.injected.get(name, 0) + 1

    def occurs(self, rng: Random, name: str, rate: float) -> bool:
        """Return whether a random fault of this rate occurs now, and count it if so."""
        occurs = rate > 0 and rng.random() < rate
        if occurs:
            self.record(name)
        return occurs

    def throttled(self, moment: float) -> Throttle | None:
        """Return the throttle if it is in force at a moment (epoch s)."""
        return self.throttle if self.throttle and moment < self.throttle.until else None

    def settings(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "injected"}
        plain = {name: sorted(v) if isinstance(v, frozenset) else v for name, v in plain.items()}
        return plain | {"throttle": asdict(self.throttle) if self.throttle else None}


def _rate(value: Any) -> float:
    if not 0 <= float(value) <= 1:
        raise ValueError("expected a rate from 0 to 1")
    return float(value)


def _seconds(value: Any) -> float:
    if float(value) < 0:
        raise ValueError("expected seconds, 0 or more")
    return float(value)


def _range(value: Any) -> tuple[float, float]:
    low, high = value if isinstance(value, list) else (value, value)
    if _seconds(low) > _seconds(high):
        raise ValueError("expected seconds, or [least, most]")
    return float(low), float(high)


def _ids(value: Any) -> frozenset[str]:
    return frozenset(conversation_ids(value))


def _names(value: Any) -> frozenset[str]:
    if value is None:
        return frozenset()
    return frozenset(text_list([value] if isinstance(value, str) else value))


def _throttle(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    given = read_fields(value, {"retry_after": _wait, "for_seconds": _seconds})
    if "for_seconds" not in given:
        raise ValueError("for_seconds: expected its duration")
    return given


def _wait(value: Any) -> int | None:
    return None if value is None else int(_count(value))


_count = whole_number(2**53)
READERS: dict[str, Reader] = {
    "error_rate": _rate,
    "error_next": _count,
    "status": one_of(*STATUSES),
    "latency": _range,
    "travel": _range,
    "timeout_rate": _rate,
    "timeout_seconds": _seconds,
    "half_body_rate": _rate,
    "wrong_content_type_rate": _rate,
    "strikes": one_of("all", "api", "token"),
    "not_settled_for": _seconds,
    "not_settled_ids": _ids,
    "unknown_for": _seconds,
    "unknown_ids": _ids,
    "reject_ids": _ids,
    "endless_ids": _ids,
    "ids_max": _count,
    "response_bytes_max": _count,
    "page_max": _count,
    "total_hits": one_of("estimate", "half", "absent"),
    "stale_rate": _rate,
    "lake_lag": _seconds,
    "job_seconds": _seconds,
    "job_ends_as": one_of(*JOB_ENDS),
    "job_life": _seconds,
    "job_page_max": _count,
    "cursor_life": _seconds,
    "token_life": _seconds,
    "rate_limit": _count,
    "rate_window": _seconds,
    "missing_permission": _names,
    "unknown_directory_ids": _ids,
    "date_offset": float,
    "throttle": _throttle,
    "seed": _count,
}
