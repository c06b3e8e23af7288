"""What a source says: facts for a person and for a program, and a finding for each thing that is wrong."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

Level = Literal["act", "watch"]
"""`act`: a person has to do something. `watch`: it passes by itself, or it becomes `act` when it lasts."""

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong; `code` is a stable name, the heading of its section in docs/operations.md."""

    code: str
    symptom: str
    next_step: str
    count: int | None = None
    since: datetime | None = None
    level: Level = "act"


@dataclass
class SourceStatus:
    """What one source said: `lines` for a person, `data` for a program; `error` when it could not be read."""

    name: str
    lines: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    error: str | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON; times are still datetimes."""
        return {**self.data, "error": self.error} if self.error else self.data


@dataclass(frozen=True)
class Status:
    """Every source's answer, at one moment (UTC)."""

    at: datetime
    sources: list[SourceStatus]

    @property
    def findings(self) -> list[Finding]:
        """What is wrong: first what a person has to act on, then in the order of an event's way."""
        found = [finding for source in self.sources for finding in source.findings]
        return sorted(found, key=lambda finding: finding.level != "act")

    @property
    def needs_person(self) -> bool:
        """Whether somebody has to act."""
        return any(finding.level == "act" for finding in self.findings)

    def plain(self) -> dict[str, Any]:
        """As JSON; times are still datetimes."""
        return {
            "at": self.at,
            "needsPerson": self.needs_person,
            "findings": [asdict(finding) for finding in self.findings],
            "sources": {source.name: source.plain() for source in self.sources if source.lines},
        }


def age(since: datetime, now: datetime) -> str:
    """Return how long ago that was, in one unit, two where it matters: `12 s`, `3 min`, `2 h 5 min`, `4 d 1 h`."""
    return duration((now - since).total_seconds())


def duration(seconds: float) -> str:
    """Return seconds as text for a person, rounded down to the larger two units from an hour on."""
    left = max(0, int(seconds))
    for number, (size, unit) in enumerate(_UNITS):
        if left >= size or size == 1:
            text = f"{left // size} {unit}"
            rest = left % size
            if size >= _TWO_UNITS and rest >= _UNITS[number + 1][0]:
                smaller, name = _UNITS[number + 1]
                text += f" {rest // smaller} {name}"
            return text
    return "0 s"


_TWO_UNITS = 3600


def is_older(since: datetime | None, now: datetime, than: timedelta) -> bool:
    """Return whether something has lasted longer; not when nobody knows since when."""
    return since is not None and now - since > than


def counted(number: int, noun: str, *, at_least: bool = False, plural: str = "") -> str:
    """Return `1 run`, `3 runs`, `at least 5,000 interactions`."""
    text = f"{number:,} {noun if number == 1 else plural or noun + 's'}"
    return f"at least {text}" if at_least else text
