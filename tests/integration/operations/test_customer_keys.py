"""A customer's interactions are found by keys of their addresses, in the table and for an export; no sandbox."""

from __future__ import annotations

import json
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from deployments.cli.__main__ import app
from deployments.cli.run import run
from deployments.errors import BadValue
from deployments.inspect.lookup import InspectSettings
from deployments.subjects.conversations import conversations
from deployments.subjects.export import export
from tasks.operations.subject import Found, Subject, find
from tasks.records.customer_keys import NO_ADDRESS, CustomerKeys
from tasks.stores import (
    InteractionTable,
    NewRow,
    Provenance,
    StagedConversation,
    StagingBucket,
    WriteOutcome,
    dynamodb,
    s3,
)
from tests.support.emulator import Emulator, create_table
from tests.support.events import new_ids
from tests.support.stored import new_record, put_former_object

SECRET = "a secret of thirty-two characters"
KEYS = CustomerKeys(SecretStr(SECRET))
ADA, PHONE = KEYS.of_email("ada@example.com"), KEYS.of_phone("+15550100001")
ADDRESSES = frozenset({"mailto:ada@example.com", "tel:15550100001"})
RUN = Provenance(flow_run_id="a run", attempt=1)

Tables = Callable[..., InteractionTable]


@pytest.fixture
def tables(aws: Emulator) -> Tables:
    """Return what makes a view of a table of the test's own, with keys or without."""
    client, name = dynamodb.client(8, aws), f"interactions-{uuid.uuid4().hex[:8]}"
    create_table(client, name, "interactionId")

    def view(keys: CustomerKeys | None = KEYS) -> InteractionTable:
        return InteractionTable(client, name, keys=keys)

    view.name = name  # type: ignore[attr-defined]
    return view


def record(id_: str, minute: int = 0, addresses: frozenset[str] = ADDRESSES, **content: Any) -> Any:
    """Return a record of a customer with these addresses."""
    return replace(new_record(id_, minute, **content), customer_addresses=addresses)


def keys_of(table: InteractionTable, id_: str) -> Any:
    """Return a row's keys."""
    return (table.get(id_) or {}).get("customerKeys")


def test_every_write_of_a_version_writes_the_keys(tables: Tables) -> None:
    """Insert, save, replacement and a refresh of the same content; without an address the row says so."""
    table, ids = tables(), new_ids(3)
    table.insert([NewRow(record(ids[0]), RUN)])
    table.save(record(ids[1]), RUN)
    table.save(record(ids[2], addresses=frozenset()), RUN)
    assert [keys_of(table, id_) for id_ in ids] == [{ADA, PHONE}, {ADA, PHONE}, {NO_ADDRESS}]
    table.save(record(ids[1], 1, frozenset({"tel:15550100001"})), RUN)
    assert keys_of(table, ids[1]) == {PHONE}
    later = replace(
        record(ids[2], 0), version=new_record(ids[2], 7).version
    )  # the same content, asked for later
    assert table.save(later, RUN) is WriteOutcome.ALREADY_BY_THIS_RUN
    assert keys_of(table, ids[2]) == {ADA, PHONE}


def test_without_the_secret_keys_stay_as_they_are(tables: Tables) -> None:
    """A worker without it writes none and removes none."""
    (id_,) = new_ids(1)
    tables().save(record(id_), RUN)
    tables(None).save(record(id_, 1, frozenset()), RUN)
    assert keys_of(tables(), id_) == {ADA, PHONE}


def test_a_person_is_found_by_each_address_and_by_the_contact(tables: Tables) -> None:
    """Any of several names is enough; nobody else is found, and no tombstone; ids that are named stay."""
    table, (mail, phone, contact, other, erased, named) = tables(), new_ids(6)
    table.save(record(mail, addresses=frozenset({"mailto:ada@example.com"})), RUN)
    table.save(record(phone, addresses=frozenset({"tel:15550100001"})), RUN)
    table.save(record(contact, addresses=frozenset(), externalContactIds=["c-1"]), RUN)
    table.save(record(other, addresses=frozenset({"tel:15550100002"})), RUN)
    table.save(record(erased), RUN)
    table.write_tombstone(erased, "receipt")
    assert find(table, Subject(customer_keys=(ADA,))) == Found((mail,))
    assert find(table, Subject(customer_keys=(ADA, PHONE))) == Found(tuple(sorted((mail, phone))))
    everything = Subject((named,), "c-1", (ADA, PHONE))
    assert find(table, everything) == Found(tuple(sorted((mail, phone, contact, named))))
    assert find(table, Subject((named,))) == Found((named,))


def test_records_without_keys_are_counted_and_rebuilt(tables: Tables) -> None:
    """They were not searched, so the answer says how many; a rebuild asks Genesys for them, and for no other."""
    (keyless, known, former) = new_ids(3)
    tables(None).save(record(keyless), RUN)
    tables().save(record(known), RUN)
    old = replace(record(former), version="1|2026-01-15T10:00:00.000Z|000|x")
    tables(None).save(old, RUN)
    assert find(tables(), Subject(customer_keys=(ADA,))) == Found((known,), without_keys=2)
    rebuilt = dict(tables().of_former_version())
    assert rebuilt.keys() == {keyless, former}
    assert rebuilt[keyless] == ""  # no object of a former release is its conversation
    assert rebuilt[former].startswith("2026-01-15")
    assert dict(tables(None).of_former_version()).keys() == {former}


def test_an_export_has_records_and_whole_conversations_for_its_owner_alone(
    tables: Tables, aws: Emulator, tmp_path: Path
) -> None:
    """Staged ones and those of a former release; an erased interaction by name only; mode 0600; never overwritten."""
    client, bucket = s3.client(1, aws), f"export-{uuid.uuid4().hex[:8]}"
    client.create_bucket(Bucket=bucket)
    table, (staged, former, erased) = tables(), new_ids(3)
    entry = StagedConversation(staged, record(staged).version, {"conversationId": staged, "mos": 4.87})
    key = StagingBucket(client, bucket).put([entry])
    table.save(record(staged, customerEmail="ada@example.com"), replace(RUN, staged=key))
    table.save(record(former), RUN)
    put_former_object(client, bucket, former, {"conversationId": former})
    table.write_tombstone(erased, "receipt")
    settings = InspectSettings(interaction_table="interactions", quarantine_table="quarantine")
    settings.conversation_bucket, settings.analytics_database = bucket, None
    path = tmp_path / "export.zip"
    subject = Subject((erased,), None, (ADA,))
    export(path, table, subject, conversations(settings, aws))
    assert path.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(path) as archive:
        found = {name: json.loads(archive.read(name)) for name in archive.namelist()}
    assert found.keys() == {"index.json"} | {
        f"{folder}/{id_}.json" for folder in ("records", "conversations") for id_ in (staged, former)
    }
    assert found[f"conversations/{staged}.json"] == {"conversationId": staged, "mos": 4.87}
    assert found[f"records/{staged}.json"]["customerEmail"] == "ada@example.com"
    assert "customerKeys" not in found[f"records/{staged}.json"]
    sources = {each["interactionId"]: each["conversation"] for each in found["index.json"]["interactions"]}
    assert sources == {staged: "staged", former: "former", erased: None}
    assert ADA not in json.dumps(found["index.json"])
    assert any("ANALYTICS_DATABASE" in note for note in found["index.json"]["notes"])
    with pytest.raises(BadValue, match="exists: choose another"):
        export(path, table, subject, conversations(settings, aws))


def test_the_commands_find_and_export_by_number(
    tables: Tables,
    aws: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit code 0 for a known customer, 1 for an unknown one; neither the table nor the JSON repeats the number."""
    (id_,) = new_ids(1)
    tables().save(record(id_), RUN)
    environment = {
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "INTERACTION_TABLE": tables.name,  # type: ignore[attr-defined]
        "QUARANTINE_TABLE": "quarantine",
        "CUSTOMER_KEYS_SECRET": SECRET,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "export.zip"
    assert run(app, ["inspect", "+1 555 010 0001", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["interactions"][0]["interactionId"] == id_
    assert run(app, ["inspect", "ada@example.com"]) == 0
    assert run(app, ["inspect", "+15550100009"]) == 1
    assert run(app, ["export", "--phone", "+15550100001", "--output", str(path), "--json"]) == 0
    said = capsys.readouterr().out
    assert id_ in said
    assert "5550100001" not in said
    with zipfile.ZipFile(path) as archive:
        assert f"records/{id_}.json" in archive.namelist()


def test_a_broken_export_leaves_no_file(tables: Tables, tmp_path: Path) -> None:
    """A part of somebody's conversations is not left behind."""
    (id_,) = new_ids(1)
    tables().save(record(id_), RUN)

    class Broken:
        notes = ()

        def of(self, _: object) -> Any:
            raise OSError("the bucket is gone")

    path = tmp_path / "export.zip"
    with pytest.raises(OSError, match="gone"):
        export(path, tables(), Subject((id_,)), Broken())  # type: ignore[arg-type]
    assert not path.exists()
