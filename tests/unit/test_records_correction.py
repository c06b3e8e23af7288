"""Which correction leaves a doubt: one whose end is earlier, that has less in it, or of the same second."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tasks.records import InteractionRecord, build_record
from tasks.records.correction import has_less, is_doubtful
from tests.support.former_version import former_version
from tests.support.samples import read_conversation

FETCHED = datetime(2026, 3, 3, tzinfo=UTC)


def answer(second: int, **changes: Any) -> InteractionRecord:
    """Return the record of an answer about the sample call, some of its top-level fields changed."""
    details = {name: value for name, value in (read_conversation("voice") | changes).items() if value}
    return build_record(details, FETCHED + timedelta(seconds=second))


def item(record: InteractionRecord) -> dict[str, Any]:
    """Return what a row has of a record."""
    return record.content | {"version": record.version, "contentHash": record.content_hash, "attempt": 1}


@pytest.mark.parametrize(
    ("changes", "second", "doubtful"),
    [
        ({"conversationEnd": "2026-03-02T09:05:00.000Z"}, 9, False),
        ({"conversationEnd": "2026-03-02T09:03:59.000Z"}, 9, True),
        ({"originatingDirection": "outbound"}, 9, False),
        ({"originatingDirection": "outbound"}, 0, True),
        ({"participants": read_conversation("voice")["participants"][:1]}, 9, True),
    ],
    ids=["ends later", "ends earlier", "other value", "same second", "less in it"],
)
def test_what_leaves_a_doubt(*, changes: dict[str, Any], second: int, doubtful: bool) -> None:
    """A later answer with more in it, or other values, is not asked for once more."""
    assert is_doubtful(answer(second, **changes), item(answer(0))) is doubtful


def test_what_a_former_release_wrote_is_not_compared() -> None:
    """Its fields are others: only its end says something."""
    former = item(replace(answer(0), version=former_version(answer(0))))
    assert not is_doubtful(answer(9, participants=None), former)
    assert is_doubtful(answer(9, conversationEnd="2026-03-02T09:03:59.000Z"), former)


@pytest.mark.parametrize(
    ("after", "before", "less"),
    [
        ({}, {}, False),
        ({}, {"a": 1}, True),
        ({"a": 2, "b": 1}, {"a": Decimal(1)}, False),
        ({"a": ["x"]}, {"a": ["x", "y"]}, True),
        ({"a": ["y", "z"]}, {"a": ["x", "y"]}, False),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 2}]}, True),
        ({"a": [{"b": 1, "c": 2}]}, {"a": [{"b": 1}]}, False),
        ({"a": "text"}, {"a": ["x"]}, False),
    ],
)
def test_less_is_a_field_or_an_element_that_is_gone(*, after: Any, before: Any, less: bool) -> None:
    """At any depth; another value is not less."""
    assert has_less(after, before) is less
