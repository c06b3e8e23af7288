"""Records as tables of 80 columns: what `inspect` and `demo` print."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from deployments.inspect.findings import masked
from deployments.inspect.tables import record_tables
from deployments.sandbox.demo import interactions_table
from tasks.records import build_record
from tests.support.samples import case_names, read_conversation

WIDTH = 80
ADA = "b0000000-0000-4000-8000-000000000001"
QUEUE = "90000000-0000-4000-8000-000000000001"


def printed(*tables: Table) -> str:
    """Return tables as they are printed, each line of 80 columns at most and no cell cut."""
    console = Console(width=WIDTH, file=io.StringIO())
    console.print(*tables, sep="\n")
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "…" not in text
    assert all(len(line) <= WIDTH for line in text.splitlines())
    return text


def record(name: str) -> dict[str, Any]:
    """Return the content of a sample's record."""
    return build_record(read_conversation(name), datetime(2026, 6, 1, tzinfo=UTC)).content


def words(text: str, start: str) -> list[str]:
    """Return the words of the line that begins with a word."""
    lines = (line.replace("│", " ").replace("┃", " ").split() for line in text.splitlines())
    return next(line for line in lines if line and line[0] == start)


@pytest.mark.parametrize("name", case_names())
def test_every_record_fits(name: str) -> None:
    """Whatever a record holds, its tables have 80 columns at most and cut nothing."""
    printed(*record_tables(record(name)))


def test_agents_path_and_wrap_ups() -> None:
    """Each agent has role and times, each visit its outcome, each wrap-up its agent and code."""
    text = printed(*record_tables(record("cases/several_consults_and_a_consult_transfer")))
    assert words(text, "b0000000") == [
        "b0000000",
        "agent",
        "03-02",
        "09:00:15",
        "5",
        "508",
        "240",
        "40",
        "625",
    ]
    assert text.count("answered, consult") == 2
    assert "abandoned, consult" in text
    assert "Wrap-ups" in text


def test_names_stand_for_ids() -> None:
    """Where the row has names they are shown, unless they are hidden; a queue's name is nobody's secret."""
    row = record("voice") | {"names": {ADA: "Ada Example", QUEUE: "Support"}, "agentName": "Ada Example"}
    shown, hidden = printed(*record_tables(row)), printed(*record_tables(masked(row)))
    assert "Ada Example" in shown
    assert "Support" in shown
    assert "Support" in hidden
    assert "Ada" not in hidden
    assert words(hidden, "b0000000")[1] == "agent"


def test_a_row_of_the_old_shape() -> None:
    """A row whose agents have a name and no role can be read; what it does not say is a dash."""
    row = {
        "interactionId": "x",
        "agents": [{"userId": ADA, "name": "Ada Example"}, {"name": "Ben"}],
        "agentName": "Ada",
    }
    text = printed(*record_tables(row))
    assert words(text, "Ada") == ["Ada", "Example", "-", "-", "-", "-", "-", "-", "-"]
    assert "Ben" in text
    assert "Path" not in text
    assert [*record_tables({"interactionId": "x"})] == []


def test_the_demo_says_who_handled_what() -> None:
    """Each row has the agent, by name or by the beginning of the id, and the outcome; every id is whole."""
    handled, abandoned = record("voice"), record("abandoned")
    items = {
        "c0000000-0000-4000-8000-000000000101": handled
        | {"agentName": "Ada Example", "mediaType": "internalmessage"},
        "c0000000-0000-4000-8000-000000000102": handled,
        "c0000000-0000-4000-8000-000000000103": handled
        | {"names": {ADA: "Wolfeschlegelsteinhausenbergerdorff"}},
        "c0000000-0000-4000-8000-000000000104": abandoned,
        "c0000000-0000-4000-8000-000000000105": abandoned | {"settled": False},
    }
    lost = "c0000000-0000-4000-8000-000000000106"
    text = printed(interactions_table("interactions", [*items, lost], items))
    assert all(id_ in text for id_ in (*items, lost))
    assert words(text, "c0000000-0000-4000-8000-000000000102")[1:] == ["voice", "b0000000", "handled", "240"]
    assert words(text, "c0000000-0000-4000-8000-000000000104")[1:] == ["voice", "-", "abandoned", "35"]
    assert words(text, "c0000000-0000-4000-8000-000000000105")[3] == "unsettled"
    assert words(text, lost)[1:] == ["-", "-", "absent", "-"]
    assert "first 8 characters" in text


def test_an_ordinary_name_stands_on_one_line() -> None:
    """Two lines are for names that are longer than 15 letters only."""
    id_ = "c0000000-0000-4000-8000-000000000101"
    item = record("voice") | {"agentName": "Goran Castillo", "mediaType": "message", "durationMs": 11_144_000}
    text = printed(interactions_table("interactions", [id_], {id_: item}))
    assert words(text, id_)[1:] == ["message", "Goran", "Castillo", "handled", "11144"]
