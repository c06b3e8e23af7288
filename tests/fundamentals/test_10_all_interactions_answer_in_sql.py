"""What was saved is published into tables, and a question in SQL about all interactions has the records' answer."""

from __future__ import annotations

import json

from tests.support.sandbox import SandboxDriver
from tests.support.tutorial import customer_end, new_interaction, publish, run_command


def test_all_interactions_answer_in_sql(driver: SandboxDriver) -> None:
    """Three conversations have ended; the table has their records, row by row, and a view sums them up."""
    records = {}
    for interaction_id in (new_interaction(), new_interaction(), new_interaction()):
        publish(driver, customer_end(interaction_id))
        records[interaction_id] = driver.until_settled(interaction_id)

    run_command(driver, *("prefect", "deployment", "run", "publish-interactions/publish", "--watch"))

    ids = ", ".join(f"'{interaction_id}'" for interaction_id in records)
    sql = f"select * from interactions where interaction_id in ({ids})"  # noqa: S608 - UUIDs
    rows = json.loads(run_command(driver, "deployments.cli", "sql", sql, "--json"))
    assert {row["interaction_id"] for row in rows} == set(records)
    for row in rows:
        record = records[row["interaction_id"]]
        for column, field in {
            "media_type": "mediaType",
            "duration_ms": "durationMs",
            "version": "version",
        }.items():
            assert row[column] == record.get(field), column

    total = "select count(*) as n from interactions where primary_queue_id is not null and day is not null"
    ((counted,), (summed,)) = (
        [row["n"] for row in json.loads(run_command(driver, "deployments.cli", "sql", each, "--json"))]
        for each in (total, "select sum(interactions) as n from volume_and_handle_time")
    )
    assert counted == summed
