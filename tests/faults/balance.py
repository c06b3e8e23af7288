"""What was put against what is there: every difference is a finding. No difference, no finding."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.records import CONTENT_FIELDS, InteractionRecord
from tests.faults.plan import Plan

Row = dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """One difference: which interaction, event or queue, and what is known of it."""

    kind: str
    subject: str
    known: str


@dataclass(frozen=True)
class Run:
    """A flow run that carries an event."""

    id: str
    state: str  # its type, COMPLETED and the like
    message: str = ""

    @property
    def told(self) -> bool:
        """Whether it ended by itself and counted its outcomes."""
        return self.state in {"COMPLETED", "FAILED"} and " saved, " in self.message


@dataclass
class Observed:
    """What the tables, the bucket, the queues and Prefect hold."""

    rows: list[Row] = field(default_factory=list)
    quarantine: list[Row] = field(default_factory=list)
    archived: set[str] = field(default_factory=set)  # keys in the bucket
    runs: dict[str, list[Run]] = field(default_factory=dict)  # by event id
    unfinished: int = 0  # runs of process-interactions that have not ended
    buffered: int = 0
    dead: int = 0


@dataclass(frozen=True)
class Truth:
    """What Genesys holds of an interaction, as the record that it makes, and where its whole text is kept."""

    record: InteractionRecord
    archive_key: str


def findings(plan: Plan, truth: Mapping[str, Truth], seen: Observed) -> list[Finding]:
    """Every difference; none when the ledger balances."""
    return [
        *_rows(plan, truth, seen),
        *_unasked(plan, seen),
        *_rejections(plan, seen),
        *_events(plan, seen),
        *_left_over(seen),
    ]


def outcomes(plan: Plan, seen: Observed) -> Counter[str]:
    """The events by what became of them, as the tables tell it; their sum is the number of events."""
    rows = {row["interactionId"]: row for row in seen.rows if "version" in row}
    failed = {row.get("interactionId") for row in seen.quarantine if row.get("reason") == "failed"}
    counts: Counter[str] = Counter()
    done: set[str] = set()
    markers = set(plan.invalid)
    for subject in plan.events.values():
        if subject in markers:
            counts["rejected"] += 1
        elif subject in done:
            counts["unchanged"] += 1
        elif subject in rows:
            counts["deferred, then saved" if int(rows[subject].get("attempt", 1)) > 1 else "saved"] += 1
        else:
            counts["failed" if subject in failed else "lost"] += 1
        done.add(subject)
    return counts


def wrong_with(row: Row, truth: Truth) -> list[str]:
    """The fields of a row in which it differs from the truth."""
    content = truth.record.content
    names = [name for name in CONTENT_FIELDS if row.get(name) != content.get(name)]
    return names + (["contentHash"] if row.get("contentHash") != truth.record.content_hash else [])


def _rows(plan: Plan, truth: Mapping[str, Truth], seen: Observed) -> Iterator[Finding]:
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in seen.rows:
        rows[row["interactionId"]].append(row)
    failed = {row.get("interactionId"): row for row in seen.quarantine if row.get("reason") == "failed"}
    events = _events_of(plan)
    for id_, changes in plan.interactions.items():
        about = _about(events[id_], seen)
        gave_up = failed.get(id_)
        if gave_up is not None:
            kind = "both a row and in quarantine" if rows[id_] else "failed"
            yield Finding(kind, id_, f"{gave_up.get('code')}: {gave_up.get('error')}; {about}")
        elif not rows[id_]:
            yield Finding("no row", id_, about)
        elif len(rows[id_]) > 1:
            yield Finding("more than one row", id_, f"{len(rows[id_])} rows; {about}")
        else:
            yield from _row(rows[id_][0], truth[id_], changes, seen.archived, about)


def _row(row: Row, truth: Truth, changes: int, archived: set[str], about: str) -> Iterator[Finding]:
    id_ = row["interactionId"]
    if "dueAt" in row:
        yield Finding("still waits", id_, f"due at {row['dueAt']}, attempt {row.get('attempt')}; {about}")
    elif wrong := wrong_with(row, truth):
        yield Finding("untrue row", id_, f"{', '.join(wrong)}; version {row.get('version')}; {about}")
    elif truth.archive_key not in archived:
        yield Finding("not in the bucket", id_, about)
    # Each end can be seen twice, before it has settled and after; a further write would be a repeated one.
    if len(row.get("runs", ())) > 2 * (1 + changes):
        yield Finding("written more often than it changed", id_, f"runs {', '.join(row['runs'])}")


def _unasked(plan: Plan, seen: Observed) -> Iterator[Finding]:
    expected = {*plan.interactions, *plan.known_interactions}
    for row in seen.rows:
        if row["interactionId"] not in expected:
            yield Finding("a row nobody asked for", row["interactionId"], f"runs {row.get('runs')}")


def _rejections(plan: Plan, seen: Observed) -> Iterator[Finding]:
    ours, known = set(plan.interactions), set(plan.known_quarantine)
    found: dict[str, list[Row]] = defaultdict(list)
    for row in seen.quarantine:
        marker = next((each for each in plan.invalid if each in str(row.get("event"))), None)
        if marker is not None:
            found[marker].append(row)
        elif any(each in str(row.get("event")) for each in plan.known_markers):
            continue
        elif row["quarantineId"] not in known and row.get("interactionId") not in ours:
            yield Finding("in quarantine, and nobody put it", row["quarantineId"], str(row.get("code")))
        elif row.get("reason") == "rejected" and row.get("interactionId") in ours:
            yield Finding("rejected though valid", str(row["interactionId"]), str(row.get("error")))
    events = _events_of(plan)
    for marker in plan.invalid:
        rows = found[marker]
        if len(rows) != 1:
            yield Finding(
                "not once in quarantine", marker, f"{len(rows)} rows; {_about(events[marker], seen)}"
            )
        elif rows[0].get("reason") != "rejected" or not rows[0].get("code") or not rows[0].get("error"):
            yield Finding("in quarantine without a reason", marker, str(rows[0].get("reason")))


def _events(plan: Plan, seen: Observed) -> Iterator[Finding]:
    for event_id, subject in plan.events.items():
        runs = seen.runs.get(event_id, [])
        if not any(run.told for run in runs):
            yield Finding(
                "an event without an outcome", event_id, f"of {subject}; {_about([event_id], seen)}"
            )


def _left_over(seen: Observed) -> Iterator[Finding]:
    if seen.unfinished:
        yield Finding("runs that have not ended", "prefect", str(seen.unfinished))
    if seen.buffered:
        yield Finding("messages in the buffer", "sqs", str(seen.buffered))
    if seen.dead:
        yield Finding("dead letters", "sqs", str(seen.dead))


def _events_of(plan: Plan) -> dict[str, list[str]]:
    events: dict[str, list[str]] = defaultdict(list)
    for event_id, subject in plan.events.items():
        events[subject].append(event_id)
    return events


def _about(event_ids: list[str], seen: Observed) -> str:
    """What is known of some events: the runs that carried them."""
    runs = {run.id: run for event_id in event_ids for run in seen.runs.get(event_id, [])}
    told = [f"{run.id} {run.state} ({run.message})" for run in runs.values()]
    return f"{len(event_ids)} events, runs: {'; '.join(told) or 'none'}"
