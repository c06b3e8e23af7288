"""What a person asks to be replayed, checked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from tasks.errors import InvalidRequest
from tasks.operations.intervals import EARLIEST
from tasks.stores import QuarantineTable
from tasks.values import canonical_id, iso

Quarantined = Literal["none", "failed", "rejected", "all"]
_NAMED = 5  # places of bad ids that an error names


class InvalidReplayRequest(InvalidRequest):
    """The parameters make no replay; says which to change, and repeats no value: it may be a phone number."""


class ReplayRequest(BaseModel):
    """What to replay: interactions by id, rows in quarantine, records of a former release, or all of them."""

    model_config = ConfigDict(frozen=True)

    interaction_ids: tuple[str, ...] = ()
    quarantined: Quarantined = "none"
    since: datetime | None = None
    until: datetime | None = None
    dry_run: bool = False
    force: bool = False
    rebuild: bool = False

    @field_validator("interaction_ids")
    @classmethod
    def _canonical(cls, ids: tuple[str, ...]) -> tuple[str, ...]:
        found = [canonical_id(id_.strip()) for id_ in ids]
        bad = [str(place) for place, id_ in enumerate(found, start=1) if id_ is None]
        if bad:
            places = ", ".join(bad[:_NAMED]) + (f" and {len(bad) - _NAMED} more" if len(bad) > _NAMED else "")
            raise ValueError(f"no interaction id (a UUID, 8-4-4-4-12 hexadecimal digits) at place {places}")
        return tuple(dict.fromkeys(id_ for id_ in found if id_))

    @field_validator("since", "until")
    @classmethod
    def _in_utc(cls, moment: datetime | None) -> datetime | None:
        return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if not self.interaction_ids and self.quarantined == "none" and not self.rebuild:
            raise ValueError("nothing is asked for: name interaction_ids, or set quarantined or rebuild")
        if self.quarantined == "none" and (self.since or self.until):
            raise ValueError("since and until choose among what is in quarantine: set quarantined, too")
        if self.since and self.until and self.since >= self.until:
            raise ValueError("since must be before until")
        return self

    @classmethod
    def checked(cls, **parameters: Any) -> Self:
        """The request that a flow's parameters make. Raises InvalidReplayRequest."""
        try:
            return cls(**parameters)
        except ValidationError as error:
            raise InvalidReplayRequest("; ".join(_sentences(error))) from None

    def quarantine_ids(self, table: QuarantineTable, now: datetime) -> list[str]:
        """Return the keys of the quarantine rows, up to `now`: a failed replay updates lastAt of its rows."""
        if self.quarantined == "none":
            return []
        reasons = ("failed", "rejected") if self.quarantined == "all" else (self.quarantined,)
        first, last = self.since or EARLIEST, min(self.until or now, now)
        if max(first, EARLIEST) > last:
            return []
        since, until = iso(first) if first > EARLIEST else "", iso(last)
        return [row["quarantineId"] for reason in reasons for row in table.by_reason(reason, since, until)]


def _sentences(error: ValidationError) -> Iterator[str]:
    for each in error.errors(include_input=False, include_url=False):
        where = ".".join(str(part) for part in each["loc"])
        message = each["msg"].removeprefix("Value error, ")
        yield f"{where}: {message}" if where else message
