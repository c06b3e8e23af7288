"""Compare what was published with what a sandbox holds: every difference is a discrepancy."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.operations.receipts import PREFIX as RECEIPT
from tasks.records import CONTENT_FIELDS, InteractionRecord
from tasks.stores.interaction_items import TOMBSTONE_FIELDS
from tests.faults.discrepancy import Discrepancy
from tests.faults.published_events import PublishedEvents
from tests.faults.table_discrepancies import find_table_discrepancies

Row = dict[str, Any]


@dataclass(frozen=True)
class FlowRun:
    """A flow run that carries an event."""

    id: str
    state: str  # its type, COMPLETED and the like
    message: str = ""

    @property
    def reported_outcomes(self) -> bool:
        """Whether it ended by itself, with its outcomes counted in its state's message."""
        return self.state in {"COMPLETED", "FAILED"} and " saved, " in self.message


@dataclass
class Observed:
    """What the tables, the bucket, the queues and Prefect hold."""

    rows: list[Row] = field(default_factory=list)
    quarantine: list[Row] = field(default_factory=list)
    staged: dict[tuple[str, str], HeldVersion] = field(default_factory=dict)  # by object and interaction
    published: dict[str, HeldVersion] = field(default_factory=dict)  # in table conversations, by interaction
    tables: dict[str, list[Row]] | None = None  # those of the analytics; None: they are not compared
    traces: dict[str, list[str]] = field(default_factory=dict)  # keys of objects, by erased interaction
    runs: dict[str, list[FlowRun]] = field(default_factory=dict)  # by event id
    unfinished: int = 0  # runs of process-interactions and of erase-interactions that have not ended
    buffered: int = 0  # messages in the buffer queue
    dead_letters: int = 0


@dataclass(frozen=True)
class HeldVersion:
    """What an object or a table says of an interaction: the version, and the hash of the content that it makes."""

    version: str
    content_hash: str


@dataclass(frozen=True)
class Expected:
    """The record of an interaction as Genesys has it."""

    record: InteractionRecord


def find_discrepancies(
    published: PublishedEvents, expected: Mapping[str, Expected], observed: Observed
) -> list[Discrepancy]:
    """Return every difference between what was published and what is there."""
    return [
        *_in_rows(published, expected, observed),
        *_unexpected_rows(published, observed),
        *_of_erased(published, observed),
        *_in_quarantine(published, observed),
        *_in_outcomes(published, observed),
        *_left_over(observed),
        *(() if observed.tables is None else find_table_discrepancies(observed.rows, observed.tables)),
    ]


def count_outcomes(published: PublishedEvents, observed: Observed) -> Counter[str]:
    """Count the events by outcome, as the tables have it; the counts add up to the number of events."""
    rows = {row["interactionId"]: row for row in observed.rows if "version" in row}
    failed = {row.get("interactionId") for row in observed.quarantine if row.get("reason") == "failed"}
    counts: Counter[str] = Counter()
    counted: set[str] = set()
    markers = set(published.invalid)
    for subject in published.events.values():
        if subject in markers:
            counts["rejected"] += 1
        elif subject in published.erased:
            counts["erased"] += 1
        elif subject in counted:
            counts["unchanged"] += 1
        elif subject in rows:
            counts["deferred, then saved" if int(rows[subject].get("attempt", 1)) > 1 else "saved"] += 1
        else:
            counts["failed" if subject in failed else "lost"] += 1
        counted.add(subject)
    return counts


def differing_fields(row: Row, expected: Expected) -> list[str]:
    """Return the names of the fields in which a row differs from the expected record."""
    content = expected.record.content
    names = [name for name in CONTENT_FIELDS if row.get(name) != content.get(name)]
    return names + (["contentHash"] if row.get("contentHash") != expected.record.content_hash else [])


def _in_rows(
    published: PublishedEvents, expected: Mapping[str, Expected], observed: Observed
) -> Iterator[Discrepancy]:
    """Each interaction has exactly one row, or has failed and has none."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in observed.rows:
        rows[row["interactionId"]].append(row)
    failed = {row.get("interactionId"): row for row in observed.quarantine if row.get("reason") == "failed"}
    events = _events_by_subject(published)
    for id_, changes in published.interactions.items():
        runs = _describe_runs(events[id_], observed)
        quarantined = failed.get(id_)
        if quarantined is not None:
            kind = "both a row and in quarantine" if rows[id_] else "failed"
            yield Discrepancy(kind, id_, f"{quarantined.get('code')}: {quarantined.get('error')}; {runs}")
        elif not rows[id_]:
            yield Discrepancy("no row", id_, runs)
        elif len(rows[id_]) > 1:
            yield Discrepancy("more than one row", id_, f"{len(rows[id_])} rows; {runs}")
        else:
            yield from _in_row(rows[id_][0], expected[id_], changes, observed, runs)


def _in_row(
    row: Row, expected: Expected, changes: int, observed: Observed, runs: str
) -> Iterator[Discrepancy]:
    id_ = row["interactionId"]
    if "dueAt" in row:
        yield Discrepancy(
            "still deferred", id_, f"due at {row['dueAt']}, attempt {row.get('attempt')}; {runs}"
        )
    elif names := differing_fields(row, expected):
        yield Discrepancy("wrong row", id_, f"{', '.join(names)}; version {row.get('version')}; {runs}")
    elif HeldVersion(row["version"], row["contentHash"]) not in (held := _held(row, observed)):
        yield Discrepancy("no object holds its version", id_, f"{row.get('staged')}, {held}; {runs}")
    # Each end may be stored twice, before it has settled and after; a further write repeats one.
    if len(row.get("runs", ())) > 2 * (1 + changes):
        yield Discrepancy("written more often than it changed", id_, f"runs {', '.join(row['runs'])}")


def _held(row: Row, observed: Observed) -> list[HeldVersion]:
    """Return what the object that a row names, and the table that publish moves it to, hold of its interaction."""
    id_ = row["interactionId"]
    found = (observed.staged.get((str(row.get("staged")), id_)), observed.published.get(id_))
    return [held for held in found if held is not None]


def _unexpected_rows(published: PublishedEvents, observed: Observed) -> Iterator[Discrepancy]:
    known = {*published.interactions, *published.erased, *published.known_interactions}
    for row in observed.rows:
        if row["interactionId"] not in known and not row["interactionId"].startswith(RECEIPT):
            yield Discrepancy("an unexpected row", row["interactionId"], f"runs {row.get('runs')}")


def _of_erased(published: PublishedEvents, observed: Observed) -> Iterator[Discrepancy]:
    """Of an erased interaction a tombstone is left, and no content anywhere."""
    rows = {row["interactionId"]: row for row in observed.rows}
    for id_ in published.erased:
        row = rows.get(id_, {})
        if "erasedAt" not in row:
            yield Discrepancy("not erased", id_, f"attributes {sorted(row)}")
        elif more := sorted(row.keys() - TOMBSTONE_FIELDS):
            yield Discrepancy("a tombstone with content", id_, f"attributes {more}")
        if keys := observed.traces.get(id_):
            yield Discrepancy("objects of what was erased", id_, ", ".join(keys))
        if any(id_ in str(each) for each in observed.quarantine):
            yield Discrepancy("in quarantine though erased", id_, "")


def _in_quarantine(published: PublishedEvents, observed: Observed) -> Iterator[Discrepancy]:
    """Each invalid event is one quarantine row with a reason; there is no other new one."""
    ours = {*published.interactions, *published.erased}
    known = set(published.known_quarantine)
    found: dict[str, list[Row]] = defaultdict(list)
    for row in observed.quarantine:
        marker = next((each for each in published.invalid if each in str(row.get("event"))), None)
        if marker is not None:
            found[marker].append(row)
        elif any(each in str(row.get("event")) for each in published.known_markers):
            continue
        elif row["quarantineId"] not in known and row.get("interactionId") not in ours:
            yield Discrepancy("an unexpected row in quarantine", row["quarantineId"], str(row.get("code")))
        elif row.get("reason") == "rejected" and row.get("interactionId") in ours:
            yield Discrepancy("rejected though valid", str(row["interactionId"]), str(row.get("error")))
    events = _events_by_subject(published)
    for marker in published.invalid:
        rows = found[marker]
        if len(rows) != 1:
            details = f"{len(rows)} rows; {_describe_runs(events[marker], observed)}"
            yield Discrepancy("not once in quarantine", marker, details)
        elif rows[0].get("reason") != "rejected" or not rows[0].get("code") or not rows[0].get("error"):
            yield Discrepancy("in quarantine without a reason", marker, str(rows[0].get("reason")))


def _in_outcomes(published: PublishedEvents, observed: Observed) -> Iterator[Discrepancy]:
    for event_id, subject in published.events.items():
        if not any(run.reported_outcomes for run in observed.runs.get(event_id, [])):
            details = f"of {subject}; {_describe_runs([event_id], observed)}"
            yield Discrepancy("an event without an outcome", event_id, details)


def _left_over(observed: Observed) -> Iterator[Discrepancy]:
    if observed.unfinished:
        yield Discrepancy("runs that have not ended", "prefect", str(observed.unfinished))
    if observed.buffered:
        yield Discrepancy("messages in the buffer", "sqs", str(observed.buffered))
    if observed.dead_letters:
        yield Discrepancy("dead letters", "sqs", str(observed.dead_letters))


def _events_by_subject(published: PublishedEvents) -> dict[str, list[str]]:
    events: dict[str, list[str]] = defaultdict(list)
    for event_id, subject in published.events.items():
        events[subject].append(event_id)
    return events


def _describe_runs(event_ids: list[str], observed: Observed) -> str:
    """Describe the runs that carried some events."""
    runs = {run.id: run for event_id in event_ids for run in observed.runs.get(event_id, [])}
    described = [f"{run.id} {run.state} ({run.message})" for run in runs.values()]
    return f"{len(event_ids)} events, runs: {'; '.join(described) or 'none'}"
