"""The flow publish-interactions in the sandbox: from events to tables."""

from __future__ import annotations

from typing import Any

from tasks.lake.catalog import Lake, glue_client
from tests.support.prefect_runs import artifacts_of, publish
from tests.support.sandbox import SandboxDriver, replaced_worker
from tests.support.stored import staging_bucket


class _Session:
    """Makes clients of the sandbox's AWS, as a boto3 session does."""

    def __init__(self, driver: SandboxDriver) -> None:
        self._driver = driver

    def client(self, service: str, config: Any = None) -> Any:
        """Return a client of a service."""
        del config
        return self._driver.sandbox.client(service)


def tables(driver: SandboxDriver, name: str) -> list[dict[str, Any]]:
    """Return the rows of a table."""
    glue = glue_client(_Session(driver))
    addresses = driver.addresses
    lake = Lake(
        glue, driver.sandbox.client("s3"), addresses.conversation_bucket, addresses.analytics_database
    )
    table = lake.existing(name)
    rows: list[dict[str, Any]] = [] if table is None else table.scan().to_arrow().to_pylist()
    return rows


def staged(driver: SandboxDriver, rows: dict[str, dict[str, Any]]) -> set[str]:
    """Return the objects of these rows that are staged; runs of other tests may stage others at any time."""
    return {each.key for each in staging_bucket(driver).list()} & {row["staged"] for row in rows.values()}


def queue_names(row: dict[str, Any]) -> set[str]:
    """Return the names of the row's queues, as far as it has them."""
    names = row.get("names", {})
    return {names[id_] for id_ in row.get("queueIds", ()) if id_ in names}


def some_rows(driver: SandboxDriver) -> dict[str, dict[str, Any]]:
    """Return three rows or more of interactions that events brought, one with its queue's name, by id."""
    rows: dict[str, dict[str, Any]] = {}
    while len(rows) < 3 or not any(queue_names(row) for row in rows.values()):
        id_ = driver.end()
        rows[id_] = driver.until_settled(id_)
    return rows


def test_what_events_bring_stands_in_the_tables(driver: SandboxDriver) -> None:
    """After a run the tables have the rows' versions, staging is empty, and the artifacts say how much it was."""
    rows = some_rows(driver)
    ids = list(rows)
    assert staged(driver, rows) == {row["staged"] for row in rows.values()}
    run = publish(driver)
    assert run["state_name"] == "Completed", run["state"]
    assert "interactions published" in run["state"]["message"]
    found = {row["interaction_id"]: row for row in tables(driver, "interactions")}
    assert {id_: found[id_]["version"] for id_ in ids} == {id_: row["version"] for id_, row in rows.items()}
    assert {id_: found[id_]["media_type"] for id_ in ids} == {
        id_: row["mediaType"] for id_, row in rows.items()
    }
    assert set(ids) <= {row["interaction_id"] for row in tables(driver, "segments")}
    assert staged(driver, rows) == set()
    artifacts = artifacts_of(driver, run["id"])
    assert artifacts["publish-progress"]["data"] == 100
    assert "rows of interactions" in artifacts["tables"]["data"]
    names = {name for row in rows.values() for name in queue_names(row)}
    assert names <= {row["name"] for row in tables(driver, "queue_names")}
    assert not any(id_ in str(artifacts) or id_ in str(run) for id_ in ids)


def rows_of(driver: SandboxDriver, interaction_id: str) -> list[dict[str, Any]]:
    """Return an interaction's rows in the table of interactions."""
    return [row for row in tables(driver, "interactions") if row["interaction_id"] == interaction_id]


def test_an_interval_is_rebuilt(driver: SandboxDriver) -> None:
    """With a first day the rows of its days are made anew; an interval without a beginning is refused."""
    id_ = driver.end()
    day = driver.until_settled(id_)["startedAt"][:10]
    publish(driver)
    before = rows_of(driver, id_)
    assert len(before) == 1
    run = publish(driver, start=day, end=day)
    assert run["state_name"] == "Completed", run["state"]
    assert "published in" in run["state"]["message"]
    assert rows_of(driver, id_) == before
    assert "invalid-interval" in publish(driver, end=day)["state"]["message"]


def test_without_a_database_analytics_are_off(driver: SandboxDriver) -> None:
    """A worker without ANALYTICS_DATABASE ends the run at once, Completed, and says why."""
    with replaced_worker(driver.sandbox, ANALYTICS_DATABASE=""):
        run = publish(driver)
    assert run["state_name"] == "Completed"
    assert run["state"]["message"] == "analytics are off: ANALYTICS_DATABASE is not set"
