"""A run's name has its parameters, also invalid ones."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from flows import reconcile_interactions

START, END = "2026-01-13T00:00:00Z", "2026-01-14T00:00:00Z"


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({}, "reconcile the last 3 hours"),
        ({"last_hours": 5}, "reconcile the last 5 hours"),
        ({"last_hours": 0}, "reconcile the last 0 hours"),
        ({"last_days": 4}, "reconcile the last 4 days"),
        ({"start": START}, f"reconcile from {START} to now"),
        ({"start": START, "end": END}, f"reconcile from {START} to {END}"),
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
