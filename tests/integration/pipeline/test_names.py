"""Names in a row: of its users, queues and wrap-up codes, out of the directory; and none at the expense of a record."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from deployments.sandbox.genesys.conversations.organization import QUEUES, USERS, WRAP_UP_CODES
from deployments.sandbox.genesys.http.directory import user_state
from deployments.sandbox.sandbox import Sandbox
from tasks.records import build_record
from tasks.stores import Provenance, RowNames, WriteOutcome
from tasks.values import canonical_id
from tests.support.events import event_text
from tests.support.prefect_runs import REFRESH, artifacts_of, erase, logs_with, replay, start_run
from tests.support.sandbox import SandboxDriver
from tests.support.stored import interaction_table, new_record

USER, QUEUE = "directory:user:view", "routing:queue:view"
NAMES = {each.id: each.name for each in (*USERS, *QUEUES, *WRAP_UP_CODES)}
PATIENT = {"DIRECTORY_WAIT": "120"}  # by default a row goes without names that are 5 s late
ADA, BELA = (str(uuid.uuid4()) for _ in range(2))


def restart_worker(driver: SandboxDriver, **settings: str) -> None:
    """Put another process in the worker's place: it has no name in its memory."""
    driver.sandbox.children.pop("worker 1").stop()
    driver.sandbox.start_worker(1, **settings)


def forget_names(driver: SandboxDriver, **settings: str) -> None:
    """Empty the directory, and put a worker into place that knows no names."""
    database, table = driver.sandbox.client("dynamodb"), driver.addresses.directory_table
    driver.sandbox.children.pop("worker 1").stop()
    for row in driver.rows(table):
        database.delete_item(TableName=table, Key={"directoryId": {"S": row["directoryId"]}})
    driver.sandbox.start_worker(1, **settings)


@pytest.fixture(scope="module", autouse=True)
def _patient_worker(sandbox: Sandbox) -> Iterator[None]:
    """Let the worker wait for names, and let it know none of other tests, nor any as unknown."""
    driver = SandboxDriver(sandbox)
    forget_names(driver, **PATIENT)
    yield
    restart_worker(driver)


@pytest.fixture
def cold(driver: SandboxDriver) -> SandboxDriver:
    """Return the driver of a sandbox whose worker and whose directory know no names."""
    forget_names(driver, **PATIENT)
    return driver


def conversation(driver: SandboxDriver, interaction_id: str) -> dict[str, Any]:
    """Return the conversation as the simulator has it."""
    url = f"{driver.addresses.genesys_api_url}/_sim/conversations/{interaction_id}"
    found: dict[str, Any] = requests.get(url, timeout=10).json()
    return found


def with_agent(driver: SandboxDriver, state: str = "active") -> str:
    """Return the id of an ended conversation whose first agent to interact is a user of the state."""
    for _ in range(2000):
        id_ = str(uuid.uuid4())
        content = build_record(conversation(driver, id_), datetime.now(UTC)).content
        if (
            content["settled"]
            and content.get("wrapUpCodes")
            and user_state(content.get("agentId", "")) == state
        ):
            return id_
    raise AssertionError("the simulator makes no such conversation")


def ids_of(row: dict[str, Any]) -> set[str]:
    """Return the ids of a row that can have a name."""
    codes = {code for code in row["wrapUpCodes"] if not code.startswith("ININ-")}
    return {agent["userId"] for agent in row["agents"]} | set(row["queueIds"]) | codes


def requests_for_names(driver: SandboxDriver, row: dict[str, Any]) -> int:
    """Return how many requests for a name of the row's ids Genesys has had since the last reset."""
    ids = ids_of(row) | set(row.get("divisionIds", ()))
    paths = ("users", "routing/queues", "routing/wrapupcodes", "authorization/divisions")
    asked = [target for target in driver.genesys_targets() if target.split("?")[0].endswith(paths)]
    return sum(any(id_ in target for id_ in ids) for target in asked)


def saved(driver: SandboxDriver, interaction_id: str) -> dict[str, Any]:
    """Put an event of an interaction on the bus; return its row once it is settled."""
    driver.end(interaction_id)
    return driver.until_settled(interaction_id)


def test_a_row_has_the_names_of_its_ids(driver: SandboxDriver) -> None:
    """Users, queues and wrap-up codes by id; the agent's name is that of agentId; the content has no name."""
    row = saved(driver, with_agent(driver))
    assert {id_: row["names"][id_] for id_ in ids_of(row)} == {id_: NAMES[id_] for id_ in ids_of(row)}
    assert row["agentName"] == row["names"][row["agentId"]]
    assert all("name" not in agent for agent in row["agents"])


def test_a_user_who_left_has_a_name(driver: SandboxDriver) -> None:
    """Genesys lists deleted users only when it is asked for users of any state."""
    row = saved(driver, with_agent(driver, "deleted"))
    assert row["names"][row["agentId"]] == row["agentName"] == NAMES[row["agentId"]]


def test_a_missing_permission_costs_names_and_no_record(cold: SandboxDriver) -> None:
    """The rows have no names of users; a log says once which permission is missing; a replay adds them."""
    since = datetime.now(UTC).isoformat()  # of this worker; other tests' have said it, too
    cold.simulator("faults", missing_permission=[USER])
    ids = [with_agent(cold) for _ in range(3)]
    rows = [saved(cold, id_) for id_ in ids]
    for row in rows:
        given = names_in_answer(cold, row["interactionId"])
        users = {agent["userId"] for agent in row["agents"]} - given.keys()
        assert {id_ for id_ in row["names"] if canonical_id(id_)} == ids_of(row) - users
        assert row.get("agentName") == given.get(row["agentId"])
    logs = logs_with(cold, USER, timestamp={"after_": since})
    assert len([each for each in logs if USER in each["message"]]) == 1
    cold.simulator("faults", missing_permission=[])
    restart_worker(cold, **PATIENT)  # the first would ask again after a quarter of an hour
    run = replay(cold, interaction_ids=ids)
    assert run["state"]["message"].startswith("0 saved, 3 unchanged")
    for before in rows:
        row = cold.stored_row(before["interactionId"])
        assert row["agentName"] == NAMES[row["agentId"]]
        assert ids_of(row) <= set(row["names"])
        assert row["version"] >= before["version"]


def test_an_unknown_id_is_asked_for_once(cold: SandboxDriver) -> None:
    """A queue that Genesys does not know has no name; neither this worker nor another asks for it again."""
    id_ = with_agent(cold)
    queue = conversation_queue(cold, id_)
    cold.simulator("faults", unknown_directory_ids=[queue])
    row = saved(cold, id_)
    assert ids_of(row) - set(row["names"]) == {queue}
    before = requests_for_names(cold, row)
    assert before > 0
    assert replay(cold, interaction_ids=[id_])["state_type"] == "COMPLETED"
    restart_worker(cold, **PATIENT)
    assert replay(cold, interaction_ids=[id_])["state_type"] == "COMPLETED"
    assert requests_for_names(cold, row) == before


def names_in_answer(driver: SandboxDriver, interaction_id: str) -> dict[str, str]:
    """Return the names that Genesys's answer has of users, by id."""
    participants = conversation(driver, interaction_id)["participants"]
    return {
        each["userId"]: each["participantName"]
        for each in participants
        if "userId" in each and each.get("participantName")
    }


def conversation_queue(driver: SandboxDriver, interaction_id: str) -> str:
    """Return a queue of the conversation."""
    participants = conversation(driver, interaction_id)["participants"]
    segments = [s for p in participants for session in p["sessions"] for s in session["segments"]]
    return str(next(segment["queueId"] for segment in segments if "queueId" in segment))


def test_two_workers_share_one_directory(cold: SandboxDriver) -> None:
    """What one worker has asked for, another finds in the table."""
    id_ = with_agent(cold)
    first = saved(cold, id_)
    before = requests_for_names(cold, first)
    assert before > 0
    restart_worker(cold, **PATIENT)
    database, name = cold.sandbox.client("dynamodb"), cold.addresses.interaction_table
    database.delete_item(TableName=name, Key={"interactionId": {"S": id_}})
    assert saved(cold, id_)["names"] == first["names"]
    assert requests_for_names(cold, first) == before


def test_a_budget_that_is_used_up_costs_names_and_no_record(cold: SandboxDriver) -> None:
    """With one background request a minute the record is saved all the same, and soon."""
    before = cold.limit("genesys-requests-background")["limit"]
    cold.set_limit("genesys-requests-background", limit=1)
    try:
        restart_worker(cold)  # the first may know the former limit, and waits longer for names
        row = saved(cold, with_agent(cold))
    finally:
        cold.set_limit("genesys-requests-background", limit=before)
    assert not ids_of(row) <= set(row.get("names", {}))


def test_an_erased_row_gets_no_names(driver: SandboxDriver) -> None:
    """Neither by a later event nor by a write of names that was under way."""
    id_ = with_agent(driver)
    saved(driver, id_)
    table, record = interaction_table(driver), new_record(id_, agentId=ADA)
    erase(driver, interaction_ids=[id_], dry_run=False)
    tombstone = driver.stored_row(id_)
    assert set(tombstone) == {"interactionId", "erasedAt", "receiptId", "startDays"}
    assert table.save(record, Provenance("late", 1), names=RowNames({ADA: "Ada"})) is WriteOutcome.ERASED
    driver.finished(driver.create_run([event_text(id_)]))
    assert driver.stored_row(id_) == tombstone


def test_the_refresh_renews_the_directory_and_no_row(cold: SandboxDriver) -> None:
    """A changed name reaches the table and the worker; the row keeps what it has until it is saved again."""
    id_ = with_agent(cold)
    row = saved(cold, id_)
    queue = row["queueIds"][0]
    database, table = cold.sandbox.client("dynamodb"), cold.addresses.directory_table
    database.update_item(
        TableName=table,
        Key={"directoryId": {"S": f"queue/{queue}"}},
        UpdateExpression="SET #name = :before",
        ExpressionAttributeNames={"#name": "name"},
        ExpressionAttributeValues={":before": {"S": "as it was called"}},
    )
    cold.simulator("faults", missing_permission=[USER])
    known = [each["directoryId"].split("/")[0] for each in cold.rows(table)]
    run_id = start_run(cold, REFRESH)
    run = cold.finished(run_id)
    assert run["state_type"] == "COMPLETED", run["state"]
    users, queues = known.count("user"), known.count("queue")
    assert users >= len({agent["userId"] for agent in row["agents"]})
    assert f"(1 changed), 0 unknown, {users} refused" in run["state"]["message"]
    assert f"no role with {USER}" in run["state"]["message"]
    artifacts = artifacts_of(cold, run_id)
    assert f"| queues | {queues} | {queues} | 1 | 0 | 0 |" in artifacts["directory"]["data"]
    assert artifacts["directory-progress"]["data"] == 100
    held = {each["id"]: each.get("name") for each in cold.rows(table)}
    assert {id_: held[id_] for id_ in ids_of(row)} == {id_: NAMES[id_] for id_ in ids_of(row)}
    assert cold.stored_row(id_) == row


def test_a_save_without_names_leaves_those_that_stand(driver: SandboxDriver) -> None:
    """Of the same content and of a newer one; another agent's name never becomes agentName."""
    table, id_ = interaction_table(driver), str(uuid.uuid4())
    run, full = Provenance("run", 1), RowNames({ADA: "Ada", "q": "Claims"}, complete=True)

    def names() -> tuple[Any, Any]:
        row = table.get(id_) or {}
        return row.get("names"), row.get("agentName")

    assert table.save(new_record(id_, 1, agentId=ADA), run) is WriteOutcome.WRITTEN
    assert names() == (None, None)
    assert table.save(new_record(id_, 1, agentId=ADA), Provenance("other", 1), names=full) is (
        WriteOutcome.REFRESHED
    )
    assert names() == ({ADA: "Ada", "q": "Claims"}, "Ada")
    for minute, given in ((1, RowNames()), (2, RowNames()), (3, RowNames({"q": "Claims"}))):
        table.save(new_record(id_, minute, agentId=ADA), run, names=given)
        assert names() == ({ADA: "Ada", "q": "Claims"}, "Ada")
    table.save(new_record(id_, 4, agentId=BELA), run)
    assert names() == ({ADA: "Ada", "q": "Claims"}, None)
    table.save(new_record(id_, 5, agentId=BELA), run, names=RowNames({}, {BELA: "B."}))
    assert names() == ({ADA: "Ada", "q": "Claims", BELA: "B."}, "B.")
    table.save(new_record(id_, 6, agentId=BELA), run, names=RowNames({}, {BELA: "Bela", ADA: "A."}))
    assert names() == ({ADA: "Ada", "q": "Claims", BELA: "B."}, "B.")  # an answer's name fills gaps only
    table.save(new_record(id_, 6, agentId=BELA), run, names=RowNames({BELA: "Bela Brandt"}, complete=True))
    assert names() == ({ADA: "Ada", "q": "Claims", BELA: "Bela Brandt"}, "Bela Brandt")
    table.save(new_record(id_, 7, agentId=ADA), run, names=RowNames({ADA: "Ada"}, complete=True))
    assert names() == ({ADA: "Ada"}, "Ada")
    table.save(new_record(id_, 5, agentId=BELA), run, names=RowNames({BELA: "Bela"}))
    assert names() == ({ADA: "Ada"}, "Ada")  # an older answer's names are another content's
