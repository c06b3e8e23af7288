"""What a demo counts and shows: each event once, and a record as JSON to read."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from deployments.sandbox.outcomes import last_outcomes
from deployments.sandbox.stored import row_text
from tasks.pipeline.outcomes import Outcome, OutcomeKind, summary

LONG = [f"{number:08d}-1111-4222-8333-444455556666" for number in range(3)]


def run(*kinds: OutcomeKind, asks_again: bool = False) -> dict[str, Any]:
    """Return a run as Prefect's API has it, whose events had these outcomes."""
    message = summary([Outcome(kind, None, None) for kind in kinds])
    return {"state": {"message": message}, "tags": ["deferred", "attempt-2"] if asks_again else []}


def test_an_event_that_is_saved_late_counts_as_saved() -> None:
    """The run that deferred it and the run that saved it tell of one event."""
    first = run(OutcomeKind.SAVED, OutcomeKind.DEFERRED)
    counts = last_outcomes([first, run(OutcomeKind.SAVED, asks_again=True)])
    assert (counts.total(), counts[OutcomeKind.SAVED], counts[OutcomeKind.DEFERRED]) == (2, 2, 0)


def test_an_event_that_is_deferred_again_counts_as_deferred_once() -> None:
    """However many runs have asked for it."""
    again = run(OutcomeKind.DEFERRED, asks_again=True)
    counts = last_outcomes([run(OutcomeKind.DEFERRED), again, again])
    assert (counts.total(), counts[OutcomeKind.DEFERRED]) == (1, 1)


def test_the_order_in_which_runs_end_does_not_count() -> None:
    """A run that asks again may end before the server knows that the run before it did: that is no event yet."""
    assert last_outcomes([run(OutcomeKind.SAVED, asks_again=True)]).total() == 0


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (Decimal(240000), 240000),
        (Decimal("0.5"), 0.5),
        ({"b", "a"}, ["a", "b"]),
        ([{"id": LONG, "none": []}], [{"id": LONG, "none": []}]),
        ("Zoë \n \u2028", "Zoë \n \u2028"),
        (None, None),
    ],
)
def test_a_row_is_shown_as_json_of_the_same_content(stored: Any, shown: Any) -> None:
    """Numbers as numbers, sets as sorted lists; whatever does not fit into a line of 80 columns is in several."""
    text = row_text({"interactionId": LONG[0], "value": stored, "more": {"ids": LONG}})
    assert json.loads(text) == {"interactionId": LONG[0], "value": shown, "more": {"ids": LONG}}
    assert max(map(len, text.split("\n"))) <= 80
