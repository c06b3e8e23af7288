"""The interaction ids of a batch, read without validating it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tasks.events import interaction_ids, parse
from tests.support.samples import TESTS

ONE, TWO = (f"{number:08d}-1111-4222-8333-444455556666" for number in (1, 2))


@pytest.mark.parametrize("name", sorted(path.stem for path in (TESTS / "events").glob("*.json")))
def test_the_ids_are_those_that_validation_finds(event_text: Callable[[str], str], name: str) -> None:
    """Every sample, valid or invalid, has the ids that parsing it finds."""
    text = event_text(name)
    assert interaction_ids([text]) == {each.interaction_id for each in parse(text)} - {None}


def test_a_list_has_an_id_for_each_record() -> None:
    """A list of records is several interactions, and a repeated event is one."""
    records = [{"interactionId": ONE}, {"interactionId": TWO}]
    text = json.dumps({"detail-type": "Conversation Update", "detail": records})
    assert interaction_ids([text, text]) == {ONE, TWO}


@pytest.mark.parametrize("text", ["", "not json", "[]", "null", '{"detail": 7}', "[" * 100_000])
def test_a_text_without_an_id_adds_none(text: str) -> None:
    """Text that is no event raises no error, which would fail the run for its name."""
    assert interaction_ids([text]) == set()
