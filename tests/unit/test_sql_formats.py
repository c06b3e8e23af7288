"""An answer as a table, as CSV and as JSON: the same values, exact, in what each reader can take."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from deployments.sql.formats import MOST_ROWS, Format, show

COLUMNS = ("id", "day", "at", "value", "share", "list", "on", "none")
ROW = (
    'a,"b" [red]',
    date(2026, 3, 4),
    datetime(2026, 3, 4, 12, 0, 0, 5000, tzinfo=UTC),
    Decimal("123456789012345.654321"),
    0.25,
    ["x", "y"],
    True,
    None,
)


def printed(capsys: pytest.CaptureFixture[str], rows: Iterator[tuple[Any, ...]], form: Format) -> str:
    """Return what a format prints of rows of these columns."""
    show(COLUMNS, rows, form)
    return capsys.readouterr().out


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    """A list with an object a row: numbers are numbers with all their digits, times end with Z, nothing is null."""
    found = json.loads(printed(capsys, iter([ROW, ROW]), "json"), parse_float=Decimal)
    assert (
        found
        == [
            {
                "id": ROW[0],
                "day": "2026-03-04",
                "at": "2026-03-04T12:00:00.005000Z",
                "value": Decimal("123456789012345.654321"),
                "share": Decimal("0.25"),
                "list": ["x", "y"],
                "on": True,
                "none": None,
            }
        ]
        * 2
    )


def test_json_of_no_rows_is_an_empty_list(capsys: pytest.CaptureFixture[str]) -> None:
    """A program reads it without a special case."""
    assert json.loads(printed(capsys, iter([]), "json")) == []


def test_csv(capsys: pytest.CaptureFixture[str]) -> None:
    """A header and a line a row, quoted where needed; nothing is empty, a list is JSON."""
    found = list(csv.reader(io.StringIO(printed(capsys, iter([ROW]), "csv"))))
    values = [ROW[0], "2026-03-04", "2026-03-04T12:00:00.005000Z", "123456789012345.654321", "0.25"]
    assert found == [list(COLUMNS), [*values, '["x","y"]', "true", ""]]


def test_table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every value is shown whole, and what looks like rich's markup is text."""
    monkeypatch.setenv("COLUMNS", "200")
    shown = printed(capsys, iter([ROW]), "table")
    assert all(text in shown for text in (*COLUMNS, ROW[0], "123456789012345.654321", '["x","y"]'))


def test_a_row_too_wide_for_the_terminal_is_a_block_of_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each column has a line with its whole value, where a grid would break names and ids into pieces."""
    monkeypatch.setenv("COLUMNS", "80")
    lines = printed(capsys, iter([ROW, ROW]), "table").splitlines()
    for name, text in (
        ("value", "123456789012345.654321"),
        ("at", "2026-03-04T12:00:00.005000Z"),
        ("none", ""),
    ):
        assert [line.split("│")[1:3] for line in lines if line.startswith(f"│ {name} ")] == [
            [f" {name:5} ", f" {text:27} "]
        ] * 2


def test_a_long_table_is_cut_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """A terminal gets the first rows and is told how to get all of them; CSV has all of them."""
    rows = [("a",)] * (MOST_ROWS + 1)
    show(["only"], iter(rows), "table")
    output = capsys.readouterr()
    assert output.out.count("a") == MOST_ROWS
    assert "--format csv" in output.err
    show(["only"], iter(rows), "csv")
    assert len(capsys.readouterr().out.splitlines()) == MOST_ROWS + 2


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_an_answer_that_fails_prints_nothing(capsys: pytest.CaptureFixture[str], form: Format) -> None:
    """No header and no bracket is left in front of the error."""

    def failing() -> Iterator[tuple[Any, ...]]:
        yield from ()
        raise ConnectionError("the bucket does not answer")

    with pytest.raises(ConnectionError):
        show(COLUMNS, failing(), form)
    assert capsys.readouterr().out == ""
