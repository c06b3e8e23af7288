"""What a person asks to be replayed, checked, and what is known of it before Genesys is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from tasks.compare import asking
from tasks.errors import PermanentError
from tasks.events import InteractionEvent, Rejection, parse, to_text
from tasks.events.shapes import canonical_id
from tasks.intervals import EARLIEST
from tasks.stores import InteractionTable, QuarantineTable, Stored
from tasks.stores.dynamodb import iso

Quarantined = Literal["none", "failed", "rejected", "all"]
_NAMED = 5  # places of bad ids that an error names


class InvalidRequest(PermanentError):
    """The parameters make no replay; says which to change, and repeats no value: it may be a phone number."""

    code = "invalid-request"


class ReplayRequest(BaseModel):
    """What to replay: interactions by id, rows in quarantine, or both."""

    model_config = ConfigDict(frozen=True)

    interaction_ids: tuple[str, ...] = ()
    quarantined: Quarantined = "none"
    since: datetime | None = None
    until: datetime | None = None
    dry_run: bool = False
    force: bool = False

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
        if not self.interaction_ids and self.quarantined == "none":
            raise ValueError("nothing is asked for: name interaction_ids, or set quarantined")
        if self.quarantined == "none" and (self.since or self.until):
            raise ValueError("since and until choose among what is in quarantine: set quarantined, too")
        if self.since and self.until and self.since >= self.until:
            raise ValueError("since must be before until")
        return self

    @classmethod
    def checked(cls, **parameters: Any) -> Self:
        """The request that a flow's parameters make. Raises InvalidRequest."""
        try:
            return cls(**parameters)
        except ValidationError as error:
            raise InvalidRequest("; ".join(_sentences(error))) from None

    def quarantine_ids(self, table: QuarantineTable, now: datetime) -> list[str]:
        """The keys of the quarantine rows that are meant, as of now: a replay that fails moves a row on."""
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


class Portion:
    """A batch's worth of events to replay, and the rows of quarantine that they came from."""

    __slots__ = ("keys", "rejected", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.keys: list[str] = []  # of each text: its row in quarantine, or nothing
        self.rejected: dict[str, list[str]] = {}  # of a rejected row that is valid now: its interactions

    @classmethod
    def of_ids(cls, interaction_ids: Sequence[str], event_id: str) -> Portion:
        """Interactions by id: an event of our own for each."""
        portion = cls()
        portion.texts = [to_text(asking(id_, "replay", event_id)) for id_ in interaction_ids]
        portion.keys = [""] * len(portion.texts)
        return portion

    @classmethod
    def of_rows(cls, rows: Sequence[dict[str, Any]]) -> Portion:
        """Rows of quarantine: each event as it travelled."""
        portion = cls()
        for row in rows:
            portion.texts.append(str(row["event"]))
            portion.keys.append(str(row["quarantineId"]))
            if row["reason"] == "rejected" and (ids := accepted_ids(portion.texts[-1])):
                portion.rejected[portion.keys[-1]] = ids
        return portion


def accepted_ids(text: str) -> list[str]:
    """The interactions of an event that is valid; none when any of it is refused."""
    parsed = parse(text)
    if any(isinstance(each, Rejection) for each in parsed):
        return []
    return [each.interaction_id for each in parsed if isinstance(each, InteractionEvent)]


def forecast(interactions: InteractionTable, quarantine: QuarantineTable, portion: Portion) -> Iterator[str]:
    """What a replay would do to each event of a portion, one sentence each; asks Genesys nothing."""
    valid = [accepted_ids(text) for text in portion.texts]
    ids = sorted({id_ for found in valid for id_ in found})
    stored = interactions.lookup(ids)
    failed = quarantine.failed_among(ids)
    for text, key, found in zip(portion.texts, portion.keys, valid, strict=True):
        if not found:
            yield _still_invalid(text, key)
        for id_ in found:
            row = " It is in quarantine as failed." if id_ in failed else ""
            yield f"{id_}: {_standing(stored.get(id_))}{row}"


def _still_invalid(text: str, key: str) -> str:
    """The row's key, which is always there, and the event's id if it is one: in its place there may be anything."""
    refused = [each for each in parse(text) if isinstance(each, Rejection)]
    codes = ", ".join(dict.fromkeys(each.code for each in refused)) or "no interaction"
    id_ = next((canonical_id(each.event_id.partition("#")[0]) for each in refused if each.event_id), None)
    event = f", event {id_}" if id_ else ""
    return f"quarantine row {key}{event}: still invalid ({codes}): it would stay in quarantine."


def _standing(stored: Stored | None) -> str:
    if stored is None:
        return "not in the table: it would be fetched and stored."
    if stored.erased:
        return "erased: it would stay so."
    if stored.due_at is not None:
        return f"waits for attempt {stored.attempt}, due {stored.due_at}: it would be fetched now."
    if not stored.settled:
        return "stored, not settled: it would be fetched."
    return "stored and settled: it would be fetched and compared."
