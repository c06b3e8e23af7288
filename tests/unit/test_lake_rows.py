"""What an interaction becomes in the analytics tables: the whole record, and what Genesys's answer has besides."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.sandbox.genesys.control.pii import personal_strings
from deployments.sandbox.genesys.conversations.details import conversation as simulated
from tasks.lake.rows import day_of, rows_of
from tasks.lake.schema import PRECISION, SCALE, TABLES, Kind
from tasks.records import CONTENT_FIELDS, build_record
from tasks.records.json_text import json_text
from tasks.stores import NewRow, Provenance
from tasks.stores.typed_json import marshal, unmarshal
from tasks.values import iso
from tests.support.generated_conversations import ID, conversations, flawed, garbage
from tests.support.samples import case_names, conversation_names, read_conversation
from tests.support.shuffle import shuffled

Rows = dict[str, list[dict[str, Any]]]
FETCHED = datetime(2026, 6, 1, 12, 0, 0, 1000, tzinfo=UTC)
PROVENANCE = Provenance("f-1", 1, "e-1", "customer.end", "2026-03-02T09:03:20.000Z")
SAMPLES = {name: read_conversation(name) for name in (*conversation_names(), *case_names())}
SESSION_LISTS = ("sessions", "segments", "metrics")


def item(conversation: dict[str, Any]) -> dict[str, Any]:
    """Return the item of a conversation as the table in DynamoDB gives it back."""
    row = NewRow(build_record(conversation, FETCHED), PROVENANCE).item(expires_at=1_800_000_000)
    return unmarshal(marshal(row))


def rows(conversation: dict[str, Any]) -> Rows:
    """Return the rows of a conversation."""
    return rows_of(item(conversation), conversation)


def is_valid_text(value: Any) -> bool:
    """Return whether a value is text that UTF-8 has."""
    return isinstance(value, str) and value != "" and value.encode("utf-8").decode("utf-8") == value


def is_decimal(value: Any) -> bool:
    """Return whether a value is a number that fits a DECIMAL, digit for digit."""
    return (
        isinstance(value, Decimal) and value == round(value, SCALE) and abs(value) < 10 ** (PRECISION - SCALE)
    )


IS_OF_KIND: Mapping[Kind, Callable[[Any], bool]] = {
    Kind.TEXT: is_valid_text,
    Kind.BOOLEAN: lambda value: isinstance(value, bool),
    Kind.INTEGER: lambda value: type(value) is int and abs(value) < 2**63,
    Kind.DECIMAL: is_decimal,
    Kind.TIMESTAMP: lambda value: isinstance(value, datetime) and value.tzinfo is UTC,
    Kind.DATE: lambda value: type(value) is date,
    Kind.TEXTS: lambda value: isinstance(value, list) and all(map(is_valid_text, value)),
}


def assert_fits_the_schema(found: Rows) -> None:
    """Assert that each row has the columns of its table, in their order, and values of their kinds or null."""
    assert list(found) == [table.name for table in TABLES.values() if table.partitioned]
    for name, table_rows in found.items():
        columns = TABLES[name].columns
        for row in table_rows:
            assert list(row) == [column.name for column in columns]
            for column in columns:
                value = row[column.name]
                assert value is None or IS_OF_KIND[column.kind](value), f"{name}.{column.name}: {value!r}"


def as_stored(name: str, row: dict[str, Any], fields: frozenset[str] | None = None) -> dict[str, Any]:
    """Return a row's values as the record has them, by its fields; what is null is absent."""
    found = {column.field: row[column.name] for column in TABLES[name].columns[2:]}
    return {
        field: iso(value) if isinstance(value, datetime) else value
        for field, value in found.items()
        if value is not None and (fields is None or field in fields)
    }


def content_of(found: Rows) -> dict[str, Any]:
    """Return the record that the tables hold, put together again."""
    [interaction] = found["interactions"]
    content = as_stored("interactions", interaction, frozenset(CONTENT_FIELDS))
    content["interactionId"] = interaction["interaction_id"]
    if "metrics" in content:
        content["metrics"] = json.loads(content["metrics"], parse_float=Decimal)
    if queues := [as_stored("queue_visits", visit) for visit in in_order(found["queue_visits"])]:
        content["queues"] = [
            without(visit, "position", *([] if visit["consult"] else ["consult"])) for visit in queues
        ]
    if agents := in_order(found["agents"]):
        content["agents"] = [agent_of(agent, found["wrap_ups"]) for agent in agents]
    return content


def in_order(table_rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows by their position, which begins at 1 and leaves none out."""
    ordered = sorted(table_rows, key=lambda row: row["position"])
    assert [row["position"] for row in ordered] == list(range(1, len(ordered) + 1))
    return ordered


def agent_of(agent: dict[str, Any], wrap_ups: list[dict[str, Any]]) -> dict[str, Any]:
    """Return an agent of the record, with their wrap-ups."""
    own = in_order([each for each in wrap_ups if each["agent_position"] == agent["position"]])
    assert {each["user_id"] for each in own} <= {agent["user_id"]}
    listed = [without(as_stored("wrap_ups", each), "position", "agentPosition", "userId") for each in own]
    return without(as_stored("agents", agent), "position") | ({"wrapUps": listed} if listed else {})


def without(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return the other fields."""
    return {name: value for name, value in fields.items() if name not in names}


def in_any_order(found: Rows) -> dict[str, list[str]]:
    """Return the rows of each table as text, sorted, without the body, whose text has an order."""
    return {
        name: sorted(repr(without(row, "body")) for row in table_rows) for name, table_rows in found.items()
    }


@pytest.mark.parametrize("name", SAMPLES)
def test_the_tables_hold_the_record_of_a_sample(name: str) -> None:
    """Of each sample and case, the record can be put together from interactions, agents, visits and wrap-ups."""
    found = rows(SAMPLES[name])
    assert_fits_the_schema(found)
    assert content_of(found) == build_record(SAMPLES[name], FETCHED).content


@given(details=conversations)
def test_the_tables_hold_the_record(details: dict[str, Any]) -> None:
    """Field by field, whatever the conversation; and the whole conversation beside it."""
    found = rows(details)
    assert_fits_the_schema(found)
    assert content_of(found) == build_record(details, FETCHED).content
    assert json.loads(found["conversations"][0]["body"], parse_float=Decimal) == details


@given(details=flawed(SAMPLES))
def test_no_flaw_of_genesyss_breaks_a_row(details: dict[str, Any]) -> None:
    """Values that are wrong or missing are null, the others stand, and the record is still whole."""
    found = rows(details)
    assert_fits_the_schema(found)
    assert content_of(found) == build_record(details, FETCHED).content


@given(name=st.sampled_from(sorted(SAMPLES)), data=st.data())
def test_no_flaw_of_an_item_breaks_a_row(name: str, data: st.DataObject) -> None:
    """An item that somebody has edited becomes rows, too: its wrong values are null."""
    row = item(SAMPLES[name])
    for field in data.draw(st.lists(st.sampled_from(sorted(row)), max_size=5)):
        row[field] = data.draw(garbage)
    assert_fits_the_schema(rows_of(row, SAMPLES[name]))


@given(details=conversations, dice=st.randoms(use_true_random=False))
def test_order_never_matters(details: dict[str, Any], dice: random.Random) -> None:
    """Any order of the lists and keys in Genesys's answer gives the same rows."""
    assert in_any_order(rows(shuffled(details, dice))) == in_any_order(rows(details))


@pytest.mark.parametrize("name", SAMPLES)
def test_order_never_matters_in_samples(name: str) -> None:
    """Nor does it in the samples."""
    expected = in_any_order(rows(SAMPLES[name]))
    for seed in range(5):
        assert in_any_order(rows(shuffled(SAMPLES[name], random.Random(seed)))) == expected


@pytest.mark.parametrize("name", SAMPLES)
def test_metrics_add_up_to_those_of_the_record(name: str) -> None:
    """The record's sums are those of the table's rows; an internal call has each person's own beside the most."""
    found, record = rows(SAMPLES[name]), build_record(SAMPLES[name], FETCHED)
    sums: dict[str, Decimal] = {}
    for row in found["metrics"]:
        sums[row["name"]] = sums.get(row["name"], Decimal(0)) + row["value"]
    internal = not {"customer", "external"} & {row["purpose"] for row in found["sessions"]}
    for metric, total in record.content.get("metrics", {}).items():
        assert sums[metric] >= total if internal and metric.startswith("t") else sums[metric] == total


@pytest.mark.parametrize("name", SAMPLES)
def test_parts_are_those_of_their_session(name: str) -> None:
    """Every session, segment and metric of the sample is a row, and belongs to a session that is one."""
    found = rows(SAMPLES[name])
    sessions = [each for p in SAMPLES[name].get("participants", []) for each in p.get("sessions", [])]
    assert len(found["sessions"]) == len(sessions)
    for table in ("segments", "metrics"):
        assert len(found[table]) == sum(len(each.get(table, [])) for each in sessions)
        owner = ("participant_id", "session_id", "purpose", "user_id", "media_type")
        known = {tuple(row[column] for column in owner) for row in found["sessions"]}
        assert {tuple(row[column] for column in owner) for row in found[table]} <= known


def test_an_agents_session() -> None:
    """A session has its times of its segments, and what Genesys says of it by the names of the columns."""
    [agent] = [row for row in rows(SAMPLES["voice"])["sessions"] if row["purpose"] == "agent"]
    assert agent["user_id"] == "b0000000-0000-4000-8000-000000000001"
    assert (agent["media_type"], agent["direction"]) == ("voice", "inbound")
    assert agent["started_at"] == datetime(2026, 3, 2, 9, 0, 25, tzinfo=UTC)
    assert agent["connected_at"] == datetime(2026, 3, 2, 9, 0, 28, tzinfo=UTC)
    assert agent["ended_at"] == datetime(2026, 3, 2, 9, 4, tzinfo=UTC)
    assert agent["day"] == date(2026, 3, 2)


def test_a_flow_and_addresses() -> None:
    """A flow's fields are the session's; lists are sorted, each value once; enumerations are the record's."""
    session = {
        "sessionId": "s-1",
        "mediaType": "VOICE",
        "flow": {
            "flowId": "f-1",
            "flowName": "Main Menu",
            "flowType": "INBOUNDCALL",
            "exitReason": "TRANSFER",
        },
        "requestedRoutings": ["Standard", "Preferred", "Standard"],
        "ani": "tel:+15550100",
        "userId": "not the participant's",
        "recording": True,
        "callbackScheduledTime": "2026-03-02T10:00:00+01:00",
        "metrics": [{"name": "oMediaCount", "value": Decimal("1.25"), "emitDate": "2026-03-02T09:00:00Z"}],
    }
    details = {"conversationId": ID, "participants": [{"purpose": "ivr", "sessions": [session]}]}
    found = rows(details)
    [row] = found["sessions"]
    assert {name: value for name, value in row.items() if value is not None} == {
        "interaction_id": ID,
        "purpose": "ivr",
        "session_id": "s-1",
        "media_type": "voice",
        "flow_id": "f-1",
        "flow_type": "INBOUNDCALL",
        "flow_exit_reason": "TRANSFER",
        "requested_routings": ["Preferred", "Standard"],
        "ani": "tel:+15550100",
        "recording": True,
        "callback_scheduled_at": datetime(2026, 3, 2, 9, tzinfo=UTC),
    }
    [metric] = found["metrics"]
    assert metric["value"] == Decimal("1.25")
    assert metric["emitted_at"] == datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_a_wrap_up_note_is_kept_whole() -> None:
    """A note may be longer than anything the record holds."""
    segment = {"segmentType": "wrapup", "wrapUpNote": "x" * 5000, "wrapUpCode": "w-1"}
    participant = {"purpose": "agent", "userId": "u-1", "sessions": [{"segments": [segment]}]}
    found = rows({"conversationId": ID, "participants": [participant]})
    assert found["segments"][0]["wrap_up_note"] == "x" * 5000
    assert found["segments"][0]["user_id"] == found["wrap_ups"][0]["user_id"] == "u-1"


def test_surveys_and_evaluations() -> None:
    """Each is a row with its scores, and the record's counts are theirs."""
    found = rows(SAMPLES["cases/surveys_and_evaluations"])
    [survey] = found["surveys"]
    assert (survey["status"], survey["total_score"]) == ("Finished", Decimal(90))
    assert [row["total_score"] for row in found["evaluations"]] == [Decimal(80), Decimal(80)]
    interaction = found["interactions"][0]
    assert (interaction["survey_count"], interaction["evaluation_count"]) == (1, 2)


def test_what_was_saved_with_the_record() -> None:
    """Version, event, run and expiry are columns; what waits, and names, are none."""
    [row] = rows(SAMPLES["voice"])["interactions"]
    record = build_record(SAMPLES["voice"], FETCHED)
    saved = (
        "version",
        "content_hash",
        "fetched_at",
        "event_id",
        "event_type",
        "event_at",
        "flow_run_id",
        "expires_at",
    )
    assert tuple(row[name] for name in saved) == (
        record.version,
        record.content_hash,
        FETCHED,
        "e-1",
        "customer.end",
        datetime(2026, 3, 2, 9, 3, 20, tzinfo=UTC),
        "f-1",
        datetime(2027, 1, 15, 8, tzinfo=UTC),
    )


def test_what_is_personal_stands_in_personal_columns_alone() -> None:
    """No address, name, note or subject of a simulated conversation is, or is in, a value of another column."""
    found = 0
    for number in range(300):
        details = simulated(str(UUID(int=number * 7919, version=4)), 1_772_442_300_000)[0]
        personal = {each for each in personal_strings(details) if len(each) > 1}
        for name, table_rows in rows(details).items():
            for column, row in product(TABLES[name].columns, table_rows):
                inside = {each for each in personal if each in str(row[column.name])}
                found += bool(inside)
                assert column.personal or not inside, f"{name}.{column.name}"
    assert found > 3000


@pytest.mark.parametrize(
    ("started_at", "day"),
    [
        ("2026-03-02T23:59:59.999Z", date(2026, 3, 2)),
        ("2026-03-03T00:30:00.000+01:00", date(2026, 3, 2)),
        (None, None),
        ("soon", None),
        (Decimal(5), None),
    ],
)
def test_the_day_is_that_of_the_start_in_utc(started_at: Any, day: date | None) -> None:
    """An item without a start, or with one that is no time, has no day."""
    row = {"interactionId": ID, "startedAt": started_at}
    assert day_of(row) == day
    assert rows_of(row, {})["interactions"][0]["day"] == day


numbers = (
    st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.floats(-1e300, 1e300).map(lambda value: Decimal(repr(value)))
)


@given(value=st.dictionaries(st.text(), st.lists(numbers, max_size=3), max_size=3))
def test_json_text_is_exact(value: dict[str, Any]) -> None:
    """A number is the same after reading, whether or not a double holds it."""
    found = json.loads(json_text(value), parse_float=Decimal)
    assert {name: [Decimal(each) for each in each_list] for name, each_list in found.items()} == {
        name: [Decimal(each) for each in each_list] for name, each_list in value.items()
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal(152000), "152000"),
        (Decimal("4.125"), "4.125"),
        (Decimal("0.1234567890123456789012345"), "0.1234567890123456789012345"),
        ([Decimal("1E+400"), "x", True], '[1E+400,"x",true]'),
        (Decimal("NaN"), "null"),
        ("\ud800é", '"\\ud800\\u00e9"'),
    ],
)
def test_json_text(value: Any, expected: str) -> None:
    """Whole numbers have no point, text is ASCII, and what is no number is null."""
    assert json_text(value) == expected
