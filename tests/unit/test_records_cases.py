"""Conversations as contact centres have them, and what an analyst says of each."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tasks.records import build_record
from tests.support.samples import TESTS, case_names, expected_of_cases, read_conversation
from tests.support.shuffle import shuffled

FETCHED = datetime(2026, 6, 1, tzinfo=UTC)
EXPECTED = expected_of_cases()


def differences(expected: Any, found: Any, path: str = "") -> list[str]:
    """Return where a value is not as expected: of an object the named fields count, null is for an absent one."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return [
            line
            for name, value in expected.items()
            for line in differences(value, found.get(name), f"{path}.{name}")
        ]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(expected, found, strict=True))
        return [line for number, pair in pairs for line in differences(*pair, f"{path}[{number}]")]
    return [] if expected == found else [f"{path} is {found!r} and should be {expected!r}"]


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_record_says_what_an_analyst_says(name: str) -> None:
    """Agents, their roles and times, the path, wrap-ups, handled, abandoned and transfers are right."""
    expected = {field: value for field, value in EXPECTED[name].items() if field != "says"}
    record = build_record(read_conversation(f"cases/{name}"), FETCHED)
    assert differences(expected, record.content) == []


@pytest.mark.parametrize("name", case_names())
def test_the_order_of_the_answer_does_not_matter(name: str) -> None:
    """Any order of the lists and keys of these conversations gives the same record."""
    details = read_conversation(name)
    record = build_record(details, FETCHED)
    for seed in range(10):
        assert build_record(shuffled(details, random.Random(seed)), FETCHED) == record


def test_every_case_is_expected_to_be_something() -> None:
    """Each file has an expectation, and each expectation a reason."""
    files = {path.stem for path in Path(TESTS / "conversations/cases").glob("*.json")} - {"expected"}
    assert files == set(EXPECTED)
    assert all(len(each) > 1 and each["says"] for each in EXPECTED.values())


def test_nobody_is_named_by_somebody_else() -> None:
    """A name belongs to the user id beside it; the names of queues and flows are nobody's."""
    record = build_record(read_conversation("cases/first_agent_has_no_name"), FETCHED)
    second = record.content["agents"][1]["userId"]
    assert record.participant_names == {second: "Sam Example"}


def test_the_ids_that_a_directory_can_name() -> None:
    """Users, queues and wrap-up codes are named by UUID; Genesys's own codes are words already."""
    record = build_record(read_conversation("cases/mail_with_addresses_on_internal_legs_only"), FETCHED)
    agent = record.content["agents"][0]
    ids = record.referenced_ids
    assert ids.users == {agent["userId"]}
    assert ids.queues == set(agent["queueIds"])
    assert record.content["wrapUpCodes"] == ["ININ-WRAP-UP-TIMEOUT"]
    assert ids.wrap_up_codes == frozenset()
