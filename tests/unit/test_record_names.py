"""The names for the records of a chunk, and what of them a row gets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tasks.genesys import NameKind
from tasks.pipeline.record_names import add_names, keys_of
from tasks.pipeline.record_names import row_names as names_of_keys
from tasks.pipeline.work import FetchedInteraction, InteractionWork, ProcessedChunk
from tasks.records import InteractionRecord, build_record
from tasks.stores import NO_NAMES, NameKey, RowNames
from tests.support.samples import Conversation, read_conversation

ADA = "b0000000-0000-4000-8000-000000000001"
QUEUE = "90000000-0000-4000-8000-000000000001"
CODE = "70000000-0000-4000-8000-000000000001"
NAMES = {NameKey(NameKind.USER, ADA): "Ada Lovelace", NameKey(NameKind.QUEUE, QUEUE): "Billing"}


def row_names(record: InteractionRecord, known: Mapping[NameKey, str]) -> RowNames:
    """Return what a row of the record gets."""
    return names_of_keys(record, keys_of(record), known)


def record(*, name: str | None = None, code: str = CODE) -> InteractionRecord:
    """Return the record of a call, whose agent has a name in Genesys's answer or none, with a wrap-up code."""
    details = read_conversation("voice")
    for participant in details["participants"]:
        if participant["purpose"] == "agent":
            participant["participantName"] = name
    for segment in segments(details):
        if "wrapUpCode" in segment:
            segment["wrapUpCode"] = code
    return build_record(details, datetime(2026, 3, 2, 10, tzinfo=UTC))


def segments(details: Conversation) -> list[dict[str, Any]]:
    """Return all segments."""
    sessions = [session for each in details["participants"] for session in each["sessions"]]
    return [segment for session in sessions for segment in session["segments"]]


def test_a_row_gets_the_names_of_its_ids() -> None:
    """By id, without those of other records; complete when each id has one."""
    known = NAMES | {NameKey(NameKind.QUEUE, ADA): "another kind", NameKey(NameKind.USER, QUEUE): "too"}
    found = row_names(record(), known)
    assert dict(found.known) == {ADA: "Ada Lovelace", QUEUE: "Billing"}
    assert not found.complete
    assert row_names(record(), known | {NameKey(NameKind.WRAP_UP_CODE, CODE): "Resolved"}).complete


def test_a_code_of_genesys_own_is_its_own_name() -> None:
    """`ININ-...` codes are no ids of the directory: they are kept as they are."""
    found = row_names(record(code="ININ-WRAP-UP-TIMEOUT"), NAMES)
    assert found.known["ININ-WRAP-UP-TIMEOUT"] == "ININ-WRAP-UP-TIMEOUT"
    assert found.complete


def test_a_name_in_the_answer_is_a_fallback() -> None:
    """For that user alone, and only where the directory has none."""
    assert dict(row_names(record(name="A. L."), {}).fallback) == {ADA: "A. L."}
    assert row_names(record(name="A. L."), {}).attributes(record().content)["agentName"] == "A. L."
    assert dict(row_names(record(name="A. L."), NAMES).fallback) == {}


def test_names_are_outside_content_and_version() -> None:
    """The record with a name in Genesys's answer is the record without."""
    with_name, without = record(name="A. L."), record()
    assert (with_name.content, with_name.version) == (without.content, without.version)
    assert "A. L." not in repr(with_name)


class Names:
    """A directory that holds NAMES and notes what it is asked for; or one with a bug."""

    def __init__(self, bug: Exception | None = None) -> None:
        self.asked: list[set[NameKey]] = []
        self._bug = bug

    def names(self, keys: set[NameKey]) -> Mapping[NameKey, str]:
        """Return names."""
        self.asked.append(keys)
        if self._bug:
            raise self._bug
        return NAMES


def chunk(*records: InteractionRecord) -> ProcessedChunk:
    """Return a chunk of fetched records."""
    processed = ProcessedChunk({}, frozenset())
    for each in records:
        work = InteractionWork.requested(each.interaction_id, "replay", "1")
        processed.fetched.append(FetchedInteraction(work, each, {}))
    return processed


def test_a_chunk_asks_once_for_all_its_records() -> None:
    """Each id once, divisions included; a chunk without records asks nothing."""
    directory, processed = Names(), chunk(record(), record())
    add_names(directory, processed)  # type: ignore[arg-type]  # it has what is needed
    division = read_conversation("voice")["divisionIds"][0]
    assert directory.asked == [
        {*NAMES, NameKey(NameKind.WRAP_UP_CODE, CODE), NameKey(NameKind.DIVISION, division)}
    ]
    assert [dict(each.names.known) for each in processed.fetched] == [
        {ADA: "Ada Lovelace", QUEUE: "Billing"}
    ] * 2
    add_names(directory, chunk())  # type: ignore[arg-type]
    assert len(directory.asked) == 1


def test_without_a_directory_rows_get_what_the_answer_has() -> None:
    """DIRECTORY_TABLE is optional."""
    processed = chunk(record(name="A. L."))
    add_names(None, processed)
    assert processed.fetched[0].names.attributes(record().content) == {
        "names": {ADA: "A. L."},
        "agentName": "A. L.",
    }


def test_a_bug_costs_the_names_and_no_record(caplog: pytest.LogCaptureFixture) -> None:
    """The chunk goes on without names; the log has the exception's type and nothing that it says."""
    processed = chunk(record())
    add_names(Names(RuntimeError("Ada Lovelace")), processed)  # type: ignore[arg-type]
    assert [each.names for each in processed.fetched] == [NO_NAMES]
    assert "RuntimeError" in caplog.text
    assert "Ada" not in caplog.text
