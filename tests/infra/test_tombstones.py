"""`tombstones`: what was erased after the moment that a table is restored to stays erased."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.tombstones import FIELDS, NO_START, apply
from tasks.stores import interaction_items
from tasks.stores.interactions import InteractionTable
from tests.support.emulator import create_table
from tests.support.stack import infra

ERASED = "c0000000-0000-4000-8000-000000000001"
OTHER = "c0000000-0000-4000-8000-000000000002"


def record(interaction_id: str, *days: str) -> dict[str, Any]:
    """Return a row that has content, with the days on which its versions started."""
    row: dict[str, Any] = {"interactionId": {"S": interaction_id}, "version": {"S": "1~1~a"}}
    return row | {"names": {"M": {}}} | ({"startDays": {"SS": list(days)}} if days else {})


@pytest.fixture
def database(aws: boto3.Session) -> Any:
    """Return a client with the damaged table `live`, whose one interaction was erased, and with `restored`."""
    client = aws.client("dynamodb")
    for name in ("live", "restored"):
        create_table(client, name, "interactionId")
        client.put_item(TableName=name, Item=record(ERASED, "2026-01-15"))
        client.put_item(TableName=name, Item=record(OTHER))
    InteractionTable(client, "live").write_tombstone(ERASED, "receipt", 2_000_000_000)
    return client


def item(database: Any, table: str, interaction_id: str) -> dict[str, Any]:
    """Return a row of a table."""
    found: dict[str, Any] = database.get_item(TableName=table, Key={"interactionId": {"S": interaction_id}})[
        "Item"
    ]
    days = found.get("startDays", {})  # a set has no order
    return found | ({"startDays": {"SS": sorted(days["SS"])}} if days else {})


def test_the_fields_are_those_of_a_tombstone() -> None:
    """A tombstone has no others, so none is lost on the way."""
    assert set(FIELDS) == interaction_items.TOMBSTONE_FIELDS


def test_tombstones_are_put_into_the_restored_table(database: Any) -> None:
    """In the place of the record, with date, receipt and end; other rows stay; again it changes nothing."""
    assert NO_START == interaction_items.NO_START
    answer = infra("tombstones", "--from", "live", "--to", "restored", typed="yes\n")
    assert (answer.returncode, "1 written, 0 stood" in answer.stdout) == (0, True)
    assert item(database, "restored", ERASED) == item(database, "live", ERASED)
    assert item(database, "restored", OTHER) == record(OTHER)
    assert InteractionTable(database, "restored").is_erased(ERASED)
    again = infra("tombstones", "--from", "live", "--to", "restored", "--yes")
    assert "0 written, 1 stood" in again.stdout


def test_a_program_is_told_the_numbers(database: Any, tmp_path: Path) -> None:
    """One document on standard output, of a table and of a file; the question is asked on standard error."""
    words = ("tombstones", "--from", "live", "--json")
    answer = infra(*words, "--to", "restored", typed="yes\n")
    assert json.loads(answer.stdout) == {"found": 1, "to": "restored", "written": 1, "stood": 0}
    assert "in the place of its records?" in answer.stderr
    assert item(database, "restored", ERASED) == item(database, "live", ERASED)
    kept = str(tmp_path / "kept.jsonl")
    assert json.loads(infra(*words, "--to", kept).stdout) == {"found": 1, "to": kept}


def test_without_a_yes_nothing_is_written(database: Any) -> None:
    """The record is replaced for ever, so it is asked for."""
    assert infra("tombstones", "--from", "live", "--to", "restored", typed="no\n").returncode == 1
    assert item(database, "restored", ERASED) == record(ERASED, "2026-01-15")


def test_days_of_both_tables_are_kept(database: Any) -> None:
    """A day that only the restored row has names entries of the analytics tables, too."""
    database.put_item(TableName="restored", Item=record(ERASED, "2026-01-16"))
    assert infra("tombstones", "--from", "live", "--to", "restored", "--yes").returncode == 0
    assert set(item(database, "restored", ERASED)["startDays"]["SS"]) >= {"2026-01-15", "2026-01-16"}


def test_an_interaction_that_the_restored_table_lacks_is_erased_in_it(database: Any) -> None:
    """It would come back by reconcile."""
    database.delete_item(TableName="restored", Key={"interactionId": {"S": ERASED}})
    assert infra("tombstones", "--from", "live", "--to", "restored", "--yes").returncode == 0
    assert InteractionTable(database, "restored").is_erased(ERASED)


def test_they_can_be_kept_in_a_file(database: Any, tmp_path: Path) -> None:
    """Before the damaged table is deleted; the file is read as an export is, zipped and in folders."""
    kept = tmp_path / "kept.jsonl"
    assert infra("tombstones", "--from", "live", "--to", str(kept)).returncode == 0
    database.delete_table(TableName="live")
    export = tmp_path / "export" / "data"
    export.mkdir(parents=True)
    others = json.dumps({"Item": record(OTHER)})
    (export / "a.json.gz").write_bytes(gzip.compress(f"{kept.read_text()}{others}\n".encode()))
    answer = infra("tombstones", "--from", str(tmp_path / "export"), "--to", "restored", "--yes")
    assert (answer.returncode, "1 written" in answer.stdout) == (0, True)
    assert item(database, "restored", OTHER) == record(OTHER)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("content", ["{}", "[1]", "nonsense"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: str) -> None:
    """With its name and line, before anything is written."""
    (tmp_path / "wrong.json").write_text(content)
    answer = infra("tombstones", "--from", str(tmp_path / "wrong.json"), "--to", "restored", "--yes")
    assert (answer.returncode, "wrong.json, line 1" in answer.stderr) == (2, True)
    missing = infra("tombstones", "--from", "./nowhere", "--to", "restored")
    assert (missing.returncode, "nowhere" in missing.stderr) == (2, True)


def test_a_row_that_changes_meanwhile_is_read_again(database: Any) -> None:
    """A day that a write adds between reading and writing is kept."""

    class Changing:
        """The client; after its first read another write adds a day."""

        exceptions = database.exceptions

        def __init__(self) -> None:
            self.reads = 0

        def get_item(self, **request: Any) -> Any:
            answer = database.get_item(**request)
            self.reads += 1
            if self.reads == 1:
                database.put_item(TableName="restored", Item=record(ERASED, "2026-01-17"))
            return answer

        put_item = staticmethod(database.put_item)

    client: Any = Changing()
    tombstone = item(database, "live", ERASED)
    assert apply(client, [tombstone], "restored").written == 1
    assert client.reads == 2
    assert set(item(database, "restored", ERASED)["startDays"]["SS"]) >= {"2026-01-15", "2026-01-17"}
