"""Faults: what the simulator does wrong on request. Random ones come from a seeded generator."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from deployments.sandbox.genesys.errors import STATUSES
from deployments.sandbox.genesys.limits import REQUESTS_A_MINUTE, WINDOW_SECONDS
from deployments.sandbox.genesys.options import Reader, ids, one_of, read, texts, whole

if TYPE_CHECKING:
    from random import Random

MULTI_GET = 100  # ids in one multi-get: what public programs keep to
DEFAULT_TOKEN_LIFE = 86_400.0


@dataclass(frozen=True, slots=True)
class Throttle:
    """429 for everything until a moment; without `retry_after` the answer does not say how long."""

    retry_after: int | None
    until: float


@dataclass(slots=True)
class Faults:
    """The settings; the defaults are Genesys on a good day. Durations are in seconds."""

    error_rate: float = 0.0
    error_next: int = 0
    status: int = 500
    latency: tuple[float, float] = (0.0, 0.0)
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
    ids_max: int = MULTI_GET
    token_life: float = DEFAULT_TOKEN_LIFE
    rate_limit: int = REQUESTS_A_MINUTE
    rate_window: float = WINDOW_SECONDS
    missing_permission: frozenset[str] = frozenset()
    date_offset: float = 0.0
    throttle: Throttle | None = None
    seed: int = 0
    struck: dict[str, int] = field(default_factory=dict)

    def change(self, wanted: dict[str, Any], moment: float) -> None:
        """Change the settings that are named, leave the others; ValueError for what is no setting."""
        settings = read(wanted, READERS)
        if throttle := settings.get("throttle"):
            settings["throttle"] = Throttle(throttle.get("retry_after"), moment + throttle["for_seconds"])
        for name, value in settings.items():
            setattr(self, name, value)

    def strike(self, name: str) -> None:
        """Count a fault that was done to somebody."""
        self.struck[name] = self.struck.get(name, 0) + 1

    def hits(self, rng: Random, name: str, rate: float) -> bool:
        """Decide whether a random fault strikes now."""
        struck = rate > 0 and rng.random() < rate
        if struck:
            self.strike(name)
        return struck

    def throttled(self, moment: float) -> Throttle | None:
        """Return the throttle if it still holds."""
        return self.throttle if self.throttle and moment < self.throttle.until else None

    def settings(self) -> dict[str, Any]:
        """Return the settings as JSON."""
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "struck"}
        plain = {name: sorted(v) if isinstance(v, frozenset) else v for name, v in plain.items()}
        return plain | {"throttle": asdict(self.throttle) if self.throttle else None}


def _rate(value: Any) -> float:
    if not 0 <= float(value) <= 1:
        raise ValueError("wanted a rate from 0 to 1")
    return float(value)


def _seconds(value: Any) -> float:
    if float(value) < 0:
        raise ValueError("wanted seconds, 0 or more")
    return float(value)


def _range(value: Any) -> tuple[float, float]:
    low, high = value if isinstance(value, list) else (value, value)
    if _seconds(low) > _seconds(high):
        raise ValueError("wanted seconds, or [least, most]")
    return float(low), float(high)


def _ids(value: Any) -> frozenset[str]:
    return frozenset(ids(value))


def _names(value: Any) -> frozenset[str]:
    if value is None:
        return frozenset()
    return frozenset(texts([value] if isinstance(value, str) else value))


def _throttle(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    given = read(value, {"retry_after": _wait, "for_seconds": _seconds})
    if "for_seconds" not in given:
        raise ValueError("for_seconds: wanted how long it lasts")
    return given


def _wait(value: Any) -> int | None:
    return None if value is None else int(_count(value))


_count = whole(2**53)
READERS: dict[str, Reader] = {
    "error_rate": _rate,
    "error_next": _count,
    "status": one_of(*STATUSES),
    "latency": _range,
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
    "ids_max": _count,
    "token_life": _seconds,
    "rate_limit": _count,
    "rate_window": _seconds,
    "missing_permission": _names,
    "date_offset": float,
    "throttle": _throttle,
    "seed": _count,
}
