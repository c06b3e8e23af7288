"""A run's name has its parameters, also invalid ones."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from flows import reconcile_interactions, replay_interactions

START, END = "2026-01-13T00:00:00Z", "2026-01-14T00:00:00Z"


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({}, "reconcile the last 3 hours"),
        ({"last_hours": 5}, "reconcile the last 5 hours"),
        ({"last_hours": 0}, "reconcile the last 0 hours"),
        ({"last_days": 4}, "reconcile the last 4 days"),
        ({"last_hours": 3, "schedule": "none"}, "reconcile the last 3 hours"),
        ({"last_hours": 3, "schedule": "hourly"}, "hourly reconcile"),
        ({"start": START}, f"reconcile from {START} to now"),
        ({"start": START, "end": END}, f"reconcile from {START} to {END}"),
        ({"start": START, "end": END, "mode": "query"}, f"reconcile from {START} to {END}"),
        ({"start": START, "end": END, "mode": "jobs"}, f"reconcile from {START} to {END} by jobs"),
        ({"end": END}, f"reconcile to {END}, without a start"),
    ],
)
def test_a_reconcile_is_named_after_its_interval(
    monkeypatch: pytest.MonkeyPatch, parameters: dict[str, Any], name: str
) -> None:
    """The name has the parameters of the interval, or the default of three hours."""
    given = dict.fromkeys(("start", "end", "last_hours", "last_days")) | parameters
    monkeypatch.setattr(reconcile_interactions, "flow_run", SimpleNamespace(parameters=given))
    assert reconcile_interactions.run_name() == name


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"interaction_ids": ["a", "b"]}, "replay of 2 interactions"),
        ({"quarantined": "failed", "dry_run": False}, "replay of failed events in quarantine"),
        ({"quarantined": "failed", "dry_run": True}, "dry run: replay of failed events in quarantine"),
        ({}, "replay of nothing"),
    ],
)
def test_a_replay_is_named_after_what_it_replays_and_a_dry_run_as_one(
    monkeypatch: pytest.MonkeyPatch, parameters: dict[str, Any], name: str
) -> None:
    """In a list of runs nobody takes the one for the other."""
    monkeypatch.setattr(replay_interactions, "flow_run", SimpleNamespace(parameters=parameters))
    assert replay_interactions.run_name() == name
