"""Completeness and lag: what a reconcile counts, how runs' figures are put together, and what a person sees of them."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.status import completeness
from flows.reports.health import markdown, percent, sparkline
from tasks.operations.health import COUNTS, HOURS, Health, HealthLook, Lag, Objectives, looks_at_present
from tasks.operations.intervals import Interval
from tasks.pipeline.chunk_write import ChunkWrite
from tasks.pipeline.outcomes import OutcomeKind
from tasks.pipeline.work import InteractionWork, ProcessedChunk, SkipReason
from tasks.stores import Stored
from tasks.values import iso

NOW = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
OBJECTIVES = Objectives(99.9, 7200, 180)


def ago(hours: float) -> datetime:
    """Return a moment before now."""
    return NOW - timedelta(hours=hours)


class Page:
    """A page of conversations, and what the table held of each."""

    def __init__(self) -> None:
        self.conversations: dict[str, dict[str, Any]] = {}
        self.write = ChunkWrite(ProcessedChunk({}, frozenset()))

    def add(
        self,
        ended_at: datetime,
        kind: OutcomeKind,
        stored: Stored | None = None,
        skipped: SkipReason | None = None,
        media: str = "voice",
    ) -> Page:
        """Add a conversation with what the reconcile made of it."""
        id_ = str(uuid.uuid4())
        session = {"sessionId": id_, "mediaType": media}
        participants = [{"participantId": id_, "purpose": "customer", "sessions": [session]}]
        self.conversations[id_] = {"conversationEnd": iso(ended_at), "participants": participants}
        work = InteractionWork.requested(id_, "reconcile", "r")
        if stored:
            self.write.processed.stored[id_] = replace(stored, interaction_id=id_)
        if skipped:
            self.write.processed.skipped.append((work, skipped))
        self.write.finish(work, kind)
        return self

    def look(self) -> HealthLook:
        """Return a look at the page alone."""
        look = HealthLook(NOW)
        look.add_page(self.write, self.conversations, OBJECTIVES.within)
        return look


def row(ended_at: datetime, seconds: float = 60, event: float | None = None) -> Stored:
    """Return a row that was saved so many seconds after the end, and after its event."""
    saved_at = ended_at + timedelta(seconds=seconds)
    event_time = iso(saved_at - timedelta(seconds=event)) if event is not None else None
    return Stored(
        "id",
        settled=True,
        known=True,
        ended_at=iso(ended_at),
        media_type="voice",
        saved_at=iso(saved_at),
        event_time=event_time,
    )


def counts(look: HealthLook) -> dict[str, int]:
    """Return the counts that are not 0."""
    return {name: count for name, count in look.totals().items() if count}


def health(look: HealthLook, before: Health | None = None) -> Health:
    """Return the figures after a look."""
    return Health.of(look, OBJECTIVES, before, NOW)


def test_each_conversation_is_counted_for_what_the_table_held() -> None:
    """Present, missing, newer and failed; what is erased or of another queue is to have no row."""
    page = Page()
    page.add(ago(1), OutcomeKind.UNCHANGED, row(ago(1)), SkipReason.PRESENT)
    page.add(ago(1), OutcomeKind.SAVED)
    page.add(ago(1), OutcomeKind.SAVED, row(ago(1)))
    page.add(ago(1), OutcomeKind.FAILED)
    page.add(ago(1), OutcomeKind.UNCHANGED, skipped=SkipReason.ERASED)
    page.add(ago(1), OutcomeKind.UNCHANGED, skipped=SkipReason.OTHER_QUEUE)
    assert counts(page.look()) == {"listed": 4, "present": 2, "missing": 1, "newer": 1, "failed": 1}


def test_a_conversation_is_late_without_a_row_two_hours_after_its_end() -> None:
    """One that has just ended is not due; without any that is, nothing is incomplete."""
    page = Page().add(ago(1.9), OutcomeKind.SAVED).add(ago(0), OutcomeKind.SAVED)
    assert health(page.look()).completeness is None
    assert health(page.look()).is_complete
    page.add(ago(2.1), OutcomeKind.SAVED).add(ago(3), OutcomeKind.UNCHANGED, row(ago(3)), SkipReason.PRESENT)
    assert (page.look().totals()["due"], page.look().totals()["late"]) == (2, 1)
    assert health(page.look()).completeness == 50
    assert not health(page.look()).is_complete


def test_hours_are_those_of_the_end_by_media_type() -> None:
    """UTC; conversations of before the last 48 hours are not looked at."""
    page = Page().add(ago(0.4), OutcomeKind.SAVED).add(ago(0.6), OutcomeKind.SAVED, media="email")
    page.add(ago(HOURS + 1), OutcomeKind.SAVED)
    hours = health(page.look()).hours
    assert {hour: list(by) for hour, by in hours.items()} == {
        "2026-03-02T11:00:00.000Z": ["email"],
        "2026-03-02T12:00:00.000Z": ["voice"],
    }


def test_a_second_look_forgets_nothing_that_was_found_missing() -> None:
    """It is stored since, so a later run finds it present; what cannot be stored is counted once, not each hour."""
    first = Page().add(ago(3), OutcomeKind.SAVED).add(ago(3), OutcomeKind.FAILED)
    second = Page().add(ago(3), OutcomeKind.UNCHANGED, row(ago(3)), SkipReason.PRESENT)
    second.add(ago(3), OutcomeKind.FAILED)
    found = health(second.look(), health(first.look()))
    (count,) = found.by_media().values()
    assert {name: count[name] for name in ("listed", "present", "missing", "failed")} == {
        "listed": 2,
        "present": 1,
        "missing": 1,
        "failed": 1,
    }


def test_the_lag_is_from_the_event_and_from_the_end() -> None:
    """Of rows that say when they were first saved; what the reconcile stores comes now. A later event has no lag."""
    page = Page()
    for number in range(1, 101):
        page.add(ago(3), OutcomeKind.UNCHANGED, row(ago(3), number, number / 2), SkipReason.PRESENT)
    page.add(ago(3), OutcomeKind.UNCHANGED, replace(row(ago(3)), saved_at=None), SkipReason.PRESENT)
    page.add(ago(3), OutcomeKind.UNCHANGED, row(ago(3), 50, -5), SkipReason.PRESENT)
    lags = page.look().lags()
    assert lags["voice"] == lags["all"]
    assert lags["all"]["busToRow"] == Lag(25.0, 47.5, 50.0)
    assert lags["all"]["endToRow"] == Lag(50.0, 95.0, 100.0)
    page.add(ago(3), OutcomeKind.SAVED)
    assert page.look().lags()["all"]["endToRow"].most == timedelta(hours=3).total_seconds()


def test_what_genesys_no_longer_returns_is_counted_in_its_hour() -> None:
    """By the row's end and media type."""
    page, look = Page(), HealthLook(NOW)
    work = InteractionWork.requested("an-id", "reconcile", "r")
    page.write.processed.missing.append(work)
    page.write.processed.stored["an-id"] = row(ago(5))
    look.add_removed(page.write)
    assert counts(look) == {"removed": 1}
    assert "2026-03-02 07:00 voice" in markdown(health(look))


@given(
    st.lists(
        st.tuples(st.floats(0, HOURS - 1), st.booleans(), st.sampled_from(["voice", "chat"])), max_size=30
    )
)
def test_figures_are_the_same_after_json(conversations: list[tuple[float, bool, str]]) -> None:
    """What a reconcile stores is what `status` reads, and it can be added to."""
    page = Page()
    for hours, present, media in conversations:
        stored = row(ago(hours)) if present else None
        page.add(ago(hours), OutcomeKind.SAVED, stored, media=media)
    found = health(page.look())
    again = Health.from_plain(json.loads(json.dumps(found.plain())))
    assert again.plain() == found.plain()
    assert health(page.look(), again).plain()["totals"] == found.plain()["totals"]
    assert sum(found.series("listed")) == len(conversations) == found.totals["listed"]
    assert markdown(again) == markdown(found)


def test_a_persons_glance_at_the_artifact() -> None:
    """A bar for each hour, every count that is not 0 visible; an objective that is missed stands out."""
    assert sparkline([0, 1, 50, 100]) == "▁▂▅█"
    assert sparkline([0, 0]) == "▁▁"
    assert percent(99.996) == "99.99 %"
    page = Page().add(ago(3), OutcomeKind.SAVED)
    for _ in range(9):
        page.add(ago(3), OutcomeKind.UNCHANGED, row(ago(3), 30), SkipReason.PRESENT)
    text = markdown(health(page.look()))
    assert text.startswith("# 90.00 % complete; 95 of 100 rows within 10,800 s of the end")
    assert "| 99.9 % have a row 2 h after their end | **missed** |" in text
    assert f"| listed by Genesys | `{'▁' * 44}█▁▁▁` | 10 |" in text
    assert "| 2026-03-02 09:00 voice | 10 | 9 | 1 | 0 | 0 | 1 | 0 |" in text


def test_status_names_the_objective_that_was_missed() -> None:
    """Completeness needs a person, a lag is watched; without figures nothing is said to be wrong."""
    assert not completeness.judge(None, NOW).findings
    page = Page().add(ago(3), OutcomeKind.UNCHANGED, row(ago(3), 30), SkipReason.PRESENT)
    status = completeness.judge(health(page.look()), NOW + timedelta(minutes=5))
    assert not status.findings
    assert status.lines[0] == "100.00 % complete; 95 of 100 rows within 30 s of the end; seen 5 min ago"
    page.add(ago(4), OutcomeKind.SAVED)
    status = completeness.judge(health(page.look()), NOW)
    assert [(each.code, each.level, each.count) for each in status.findings] == [
        ("completeness-missed", "act", 1),
        ("lag-missed", "watch", None),
    ]
    assert set(status.data["totals"]) == set(COUNTS)


@pytest.mark.parametrize(("hours", "now"), [(0, True), (0.5, True), (24, False)])
def test_a_back_fill_says_nothing_of_the_present(hours: float, now: bool) -> None:
    """Only a reconcile of what has just been does."""
    assert looks_at_present(Interval(ago(48), ago(hours)), NOW) is now
