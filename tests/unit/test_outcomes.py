"""What a person sees of a run: its state's message, and the outcomes table."""

from __future__ import annotations

import json
import re
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from prefect.client.schemas.objects import StateType

from flows.reports.outcomes import MAX_ROWS, MAX_SUCCESSFUL_ROWS, final_state, rows
from tasks.events import InteractionEvent
from tasks.pipeline.outcomes import Outcome, OutcomeKind, count_summaries, summary
from tasks.pipeline.work import InteractionWork

ID = "7f3c2a10-1111-4222-8333-444455556666"
EVENT = "0e6a4a8e-1111-4222-8333-444455556666"
PERSON = "Jane Doe <jane.doe@example.com>"

kinds = st.sampled_from(OutcomeKind)


def outcome(kind: OutcomeKind, number: int = 0, detail: str = "") -> Outcome:
    """An outcome of the n-th interaction."""
    return Outcome(kind, f"event-{number}", f"{number:08d}-1111-4222-8333-444455556666", detail)


def test_the_summary_counts_every_kind() -> None:
    """Always five, in the order of the README; ignored only where there are any."""
    assert summary([]) == "0 saved, 0 unchanged, 0 deferred, 0 rejected, 0 failed"
    some = [
        outcome(OutcomeKind.SAVED),
        outcome(OutcomeKind.SAVED),
        outcome(OutcomeKind.FAILED),
        outcome(OutcomeKind.DEFERRED),
    ]
    assert summary(some) == "2 saved, 0 unchanged, 1 deferred, 0 rejected, 1 failed"


def test_ignored_events_are_named_only_where_there_are_any() -> None:
    """Their number follows the five; a run of nothing else is Completed, and both forms are read again."""
    ignored = Outcome(
        OutcomeKind.IGNORED, EVENT, None, "v2.users.{id}.presence tells of no conversation's details"
    )
    message = "0 saved, 0 unchanged, 0 deferred, 0 rejected, 0 failed, 2 ignored"
    state = final_state([ignored, ignored])
    assert (state.type, state.message) == (StateType.COMPLETED, message)
    counted = count_summaries([message, summary([outcome(OutcomeKind.SAVED)]), None])
    assert (counted[OutcomeKind.IGNORED], counted[OutcomeKind.SAVED]) == (2, 1)


def test_nothing_wrong_is_completed() -> None:
    """Deferred and unchanged are no failures."""
    state = final_state(
        [outcome(kind) for kind in (OutcomeKind.SAVED, OutcomeKind.UNCHANGED, OutcomeKind.DEFERRED)]
    )
    assert state.type is StateType.COMPLETED
    assert state.message == "1 saved, 1 unchanged, 1 deferred, 0 rejected, 0 failed"


def test_what_went_wrong_is_counted_and_named() -> None:
    """Rejections and failures apart, each with its interaction and the code of the reason."""
    wrong = [
        Outcome(OutcomeKind.REJECTED, EVENT, None, "not-json: the event is no JSON"),
        Outcome(OutcomeKind.FAILED, None, ID, "bad-request: Genesys refuses it"),
        outcome(OutcomeKind.SAVED),
    ]
    state = final_state(wrong)
    assert state.type is StateType.FAILED
    assert state.message == (
        f"ValidationFailed: 1 of 3 events rejected ({EVENT} not-json); "
        f"ProcessingFailed: 1 of 3 events failed ({ID} bad-request); "
        "1 saved, 0 unchanged, 0 deferred, 1 rejected, 1 failed"
    )


def test_a_message_names_a_few_and_counts_all() -> None:
    """A thousand failures make a message that a person can read."""
    message = final_state([outcome(OutcomeKind.FAILED, n, "gave-up: x") for n in range(1000)]).message or ""
    assert message.startswith("ProcessingFailed: 1000 of 1000 events failed (00000000-")
    assert message.count("gave-up") == 3
    assert len(message) < 500


def test_trouble_that_a_person_must_mend_goes_first() -> None:
    """Bad credentials fail the run, although every event is safely deferred."""
    state = final_state([outcome(OutcomeKind.DEFERRED)], "not-permitted: give the client the role")
    assert state.type is StateType.FAILED
    assert (state.message or "").startswith("not-permitted: give the client the role; 0 saved")


@given(st.lists(kinds, max_size=1200))
def test_the_table_is_bounded_and_complete(drawn: list[OutcomeKind]) -> None:
    """At most 501 rows; all that went wrong, as far as they go, first; what is left out is counted."""
    outcomes = [outcome(kind, number) for number, kind in enumerate(drawn)]
    table = rows(outcomes)
    assert len(table) <= MAX_ROWS + 1
    shown = Counter(row["outcome"] for row in table)
    bad = sum(kind in (OutcomeKind.REJECTED, OutcomeKind.FAILED) for kind in drawn)
    assert shown["rejected"] + shown["failed"] >= min(bad, MAX_ROWS - MAX_SUCCESSFUL_ROWS)
    left = len(outcomes) - sum(shown[kind.value] for kind in OutcomeKind)
    if left:
        assert table[-1]["interactionId"] == f"{left} more events"
        assert table[-1]["detail"] == summary(outcomes)
    else:
        assert len(table) == len(outcomes)


@given(st.integers(0, MAX_ROWS))
def test_a_run_of_five_hundred_shows_every_event(bad: int) -> None:
    """The table leaves nothing out of a run of usual size, however many of its events went wrong."""
    mixed = [
        outcome(OutcomeKind.FAILED if number < bad else OutcomeKind.SAVED, number)
        for number in range(MAX_ROWS)
    ]
    assert len(rows(mixed)) == MAX_ROWS
    assert {row["interactionId"] for row in rows(mixed)} == {each.interaction_id for each in mixed}


def test_rows_hold_text_and_no_markup() -> None:
    """A reason is shown as text; an id that is no plain word is not shown at all."""
    row = rows([Outcome(OutcomeKind.REJECTED, PERSON, None, "wrong-type: [x](http://example.com) | <b>")])[0]
    assert "Jane" not in json.dumps(row)
    assert re.search(r"(?<!\\)[\[\]<>|]", row["detail"]) is None
    assert row["eventId"] == "(id with unusual characters)"


def test_what_a_reader_looks_for_comes_first() -> None:
    """The UI shows the columns in this order, also of the row that counts the rest."""
    columns = ["outcome", "detail", "interactionId", "eventId", "dueAt"]
    shown = rows([outcome(OutcomeKind.SAVED, number) for number in range(MAX_ROWS + 1)])
    assert [list(row) for row in (shown[0], shown[-1])] == [columns, columns]


def test_a_message_never_repeats_an_unusual_id() -> None:
    """What a broken sender puts where an id belongs stays out of the run's state."""
    state = final_state([Outcome(OutcomeKind.REJECTED, PERSON, None, "wrong-type: id is a text")])
    assert "Jane" not in (state.message or "")
    assert "(id with unusual characters) wrong-type" in (state.message or "")


def test_a_deferred_event_says_when() -> None:
    """The due time has a column of its own."""
    due = "2026-01-15T10:00:00.000Z"
    assert (
        rows([Outcome(OutcomeKind.DEFERRED, EVENT, ID, "not settled; attempt 2 is due", due)])[0]["dueAt"]
        == due
    )


@given(kinds, st.integers(1, 5))
def test_each_event_has_exactly_one_outcome(kind: OutcomeKind, count: int) -> None:
    """Several events of one interaction: the first is saved, the others find it there; otherwise all alike."""
    events = [event(number) for number in range(count)]
    outcomes = InteractionWork(ID, events).outcomes(kind, "why")
    assert [each.event_id for each in outcomes] == [each.event_id for each in events]
    assert outcomes[0].kind is kind
    assert {each.kind for each in outcomes[1:]} <= {
        OutcomeKind.UNCHANGED if kind is OutcomeKind.SAVED else kind
    }


def event(number: int) -> InteractionEvent:
    """The n-th event of the interaction."""
    return InteractionEvent(
        interaction_id=ID,
        event_id=f"event-{number}",
        event_type="customer.end",
        source="genesys.com",
        detail_type="conversation.end",
    )
