"""The views over the analytics tables: figures worked out by hand, in DuckDB; and text that Trino reads."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlglot
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from tasks.lake.rows import rows_of
from tasks.lake.schema import TABLES, Kind
from tasks.lake.views import views
from tasks.records import build_record
from tasks.settings import Settings
from tests.support.duckdb_tables import Rows, answer, database
from tests.support.samples import read_conversation

FETCHED = datetime(2026, 6, 1, tzinfo=UTC)
DAY = date(2026, 3, 2)
BILLING, SALES = (f"90000000-0000-4000-8000-00000000000{number}" for number in (1, 2))
RESOLVED, OTHER = (f"70000000-0000-4000-8000-00000000000{number}" for number in (1, 2))
ADA, BELA, CLEO = (f"b0000000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))
TRINO = {
    Kind.TEXT: "varchar",
    Kind.BOOLEAN: "boolean",
    Kind.INTEGER: "bigint",
    Kind.DECIMAL: "decimal(22, 6)",
    Kind.TIMESTAMP: "timestamp(6) with time zone",
    Kind.DATE: "date",
    Kind.TEXTS: "array(varchar)",
}
REFERENCE: Rows = {
    "users": [{"id": ADA, "name": "Ada Example"}, {"id": BELA, "name": "Bela Example"}],
    "queue_names": [{"id": BILLING, "name": "Billing"}, {"id": SALES, "name": "Sales"}],
    "wrap_up_codes": [{"id": RESOLVED, "name": "Resolved"}],
}


def rows(name: str, number: int = 0, begins: str = "2026-03-02T09") -> Rows:
    """Return a sample's rows, under an id of its own, with its hour moved to another one."""
    text = json.dumps(read_conversation(name), default=str).replace("2026-03-02T09", begins)
    conversation = json.loads(text, parse_float=Decimal)
    conversation["conversationId"] = f"c9000000-0000-4000-8000-{number:012}"
    return rows_of(build_record(conversation, FETCHED).content, conversation)


def of(name: str, *samples: Rows, seconds: int = 20) -> list[dict[str, Any]]:
    """Return what a view says of some conversations, in the order of its first columns."""
    with database([REFERENCE, *samples], service_level_seconds=seconds) as connection:
        return answer(connection, f"select * from {name} order by all")  # noqa: S608


@pytest.fixture(scope="module")
def four() -> list[Rows]:
    """An answered call, one that is transferred to another queue, an abandoned one, and a chat."""
    return [rows(name, number) for number, name in enumerate(("voice", "transfer", "abandoned", "chat"))]


def test_volume_and_handle_time(four: list[Rows]) -> None:
    """Per first queue and hour; the transferred call is one interaction with the work of both agents."""
    evening = rows("voice", 5, "2026-03-02T18")
    first, second = of("volume_and_handle_time", *four, evening)
    assert first == {
        "day": DAY,
        "hour": datetime(2026, 3, 2, 9),  # noqa: DTZ001 - UTC without a zone
        "queue_id": BILLING,
        "queue_name": "Billing",
        "interactions": 4,
        "handled": 3,
        "handle_ms": 212_000 + (272_000 + 367_000) + 297_000,
        "average_handle_ms": pytest.approx(1_148_000 / 3),
        "median_handle_ms": 297_000,
        "handle_ms_of_ninety_percent": pytest.approx(297_000 + 0.8 * 342_000),
    }
    assert (second["hour"].hour, second["interactions"], second["handle_ms"]) == (18, 1, 212_000)


def test_work_that_led_to_nothing_is_no_handle_time() -> None:
    """After-call work of an agent who never answered is not that of a handled interaction."""
    [found] = of("volume_and_handle_time", rows("cases/agent_who_never_answered_has_after_call_work"))
    assert (found["interactions"], found["handled"], found["handle_ms"]) == (1, 0, None)


def test_abandonment_and_service_level(four: list[Rows]) -> None:
    """Waits of 15, 40 and 29 seconds are answered and one of 30 is abandoned; 20 seconds are the threshold."""
    billing, sales = of("abandonment_and_service_level", *four)
    assert billing == {
        "day": DAY,
        "queue_id": BILLING,
        "queue_name": "Billing",
        "offered": 4,
        "answered": 3,
        "abandoned": 1,
        "flowed_out": 0,
        "abandonment_rate": 0.25,
        "answered_in_time": 1,
        "service_level": 0.25,
        "average_wait_ms": 28_000,
        "wait_ms_of_ninety_percent": pytest.approx(29_000 + 0.8 * 11_000),
    }
    assert (sales["offered"], sales["answered"], sales["service_level"]) == (1, 1, 0)


def test_the_threshold_of_the_service_level(four: list[Rows]) -> None:
    """With 30 seconds more are in time, also who waited exactly so long."""
    billing, sales = of("abandonment_and_service_level", *four, seconds=30)
    assert (billing["answered_in_time"], billing["service_level"]) == (2, 0.5)
    assert (sales["answered_in_time"], sales["service_level"]) == (1, 1)


def test_a_queue_that_is_left_without_an_agent() -> None:
    """It flowed out, which is neither abandoned nor a matter of the service level; who still waits is not counted."""
    [found] = of("abandonment_and_service_level", rows("cases/queue_that_ends_the_call_itself"))
    assert (found["offered"], found["flowed_out"], found["service_level"]) == (1, 1, None)
    assert of("abandonment_and_service_level", rows("cases/live_while_it_rings")) == []


def test_consults_are_not_offered() -> None:
    """A queue that an agent asks while the customer stays with them has no visit of the customer's."""
    found = of("abandonment_and_service_level", rows("cases/consult_given_up_for_a_transfer"))
    assert [(row["queue_id"], row["offered"], row["abandoned"]) for row in found] == [
        (BILLING, 1, 0),
        (SALES, 1, 0),
    ]


def test_agent_day(four: list[Rows]) -> None:
    """Talk, hold and after-call work of each agent; the third was only called."""
    ada, bela, cleo = of("agent_day", *four)
    assert ada == {
        "day": DAY,
        "user_id": ADA,
        "user_name": "Ada Example",
        "handled": 2,
        "not_answered": 0,
        "talk_ms": 153_000 + 252_000,
        "hold_ms": 19_000,
        "acw_ms": 40_000 + 20_000,
        "handle_ms": 212_000 + 272_000,
        "average_handle_ms": 242_000,
    }
    assert (bela["handled"], bela["hold_ms"], bela["handle_ms"]) == (2, 0, 367_000 + 297_000)
    assert (cleo["user_id"], cleo["user_name"]) == (CLEO, None)
    assert (cleo["handled"], cleo["not_answered"], cleo["handle_ms"], cleo["average_handle_ms"]) == (
        0,
        1,
        0,
        None,
    )


def test_supervisors_have_no_agent_day() -> None:
    """Who listens in or barges in handles nothing."""
    everybody = rows("cases/supervisor_monitors_and_coaches")
    roles = {row["user_id"]: row["role"] for row in everybody["agents"]}
    assert set(roles.values()) > {"agent"}
    found = of("agent_day", everybody)
    assert {row["user_id"] for row in found} == {user for user, role in roles.items() if role == "agent"}


def test_wrap_up_distribution(four: list[Rows]) -> None:
    """Of four wrap-ups in a queue three have one code; a code without a known name is its own."""
    first, second = of("wrap_up_distribution", *four)
    assert first == {
        "day": DAY,
        "queue_id": BILLING,
        "queue_name": "Billing",
        "code": RESOLVED,
        "code_name": "Resolved",
        "wrap_ups": 3,
        "share": 0.75,
    }
    assert (second["code"], second["code_name"], second["share"]) == (OTHER, OTHER, 0.25)


def test_transfers_between_queues(four: list[Rows]) -> None:
    """The one transferred call went from an answer in the first queue to the second."""
    assert of("transfers_between_queues", *four) == [
        {
            "day": DAY,
            "from_queue_id": BILLING,
            "from_queue_name": "Billing",
            "to_queue_id": SALES,
            "to_queue_name": "Sales",
            "transfers": 1,
            "after_an_answer": 1,
        }
    ]


def test_what_flows_over_is_no_transfer_after_an_answer() -> None:
    """A call that nobody answered in the first queue; an unanswered consult between two queues is no step."""
    [found] = of("transfers_between_queues", rows("cases/second_queue_abandoned_after_an_open_one"))
    assert (found["transfers"], found["after_an_answer"]) == (1, 0)
    served = rows("cases/served_after_an_unanswered_consult")
    [first, _, last] = [row["queue_id"] for row in served["queue_visits"]]
    [step] = of("transfers_between_queues", served)
    assert (step["from_queue_id"], step["to_queue_id"], step["after_an_answer"]) == (first, last, 1)


def test_repeats_within_seven_days() -> None:
    """Seven days to the millisecond are a repeat, a second more is none; another contact's do not count."""
    first, again = rows("voice", 1), rows("voice", 2, "2026-03-09T09")
    later, other = rows("voice", 3, "2026-03-16T10"), rows("message", 4, "2026-03-10T09")
    found = of("repeats_within_seven_days", first, again, later, other)
    days = [
        (row["day"].isoformat(), row["queue_name"], row["interactions"], row["repeated"]) for row in found
    ]
    assert days == [
        ("2026-03-02", "Billing", 1, 1),
        ("2026-03-09", "Billing", 1, 0),
        ("2026-03-10", "Sales", 1, 0),
        ("2026-03-16", "Billing", 1, 0),
    ]
    assert [row["repeat_rate"] for row in found] == [1, 0, 0, 0]


def test_calls_of_the_centre_are_no_repeats() -> None:
    """An outbound call to the same contact is not the customer's coming again."""
    [found] = of("repeats_within_seven_days", rows("voice", 1), rows("outbound", 2, "2026-03-03T09"))
    assert (found["interactions"], found["repeated"]) == (1, 0)


def test_an_empty_table_has_no_figures() -> None:
    """Every view runs before anything is published."""
    for name in views(20):
        assert of(name) == []


@pytest.mark.parametrize("name", views(20))
def test_trino_reads_the_view(name: str) -> None:
    """It is one SELECT of columns and functions that Trino has; the same text is read as DuckDB's."""
    tables: dict[str, object] = {t.name: {c.name: TRINO[c.kind] for c in t.columns} for t in TABLES.values()}
    [parsed] = sqlglot.parse(views(20)[name], read="trino")
    assert isinstance(parsed, exp.Select)
    assert {each.name for each in parsed.find_all(exp.Anonymous)} == set()
    schema = MappingSchema(tables, dialect="trino")
    qualify(
        parsed, schema=schema, dialect="trino", validate_qualify_columns=True
    )  # raises for an unknown column


def test_each_file_is_a_query_as_it_stands() -> None:
    """The number in the file is the setting's default; every view begins by saying what its rows are."""
    default = Settings.model_fields["service_level_seconds"].default
    assert views(default) == views(20)
    assert views(45) != views(20)
    assert all(query.startswith("-- ") and ";" not in query for query in views(20).values())
    assert sorted(views(20)) == list(views(20))
