"""`verify` of the analytics: catalogue, workgroup, and the last run of publish."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.stack import Deployed
from tests.support.verified import FakePrefectServer, checked


def publish_run(state: str, hours: float) -> dict[str, Any]:
    """Return a run of publish that started so many hours ago."""
    began = datetime.now(UTC) - timedelta(hours=hours)
    return {"name": "publish", "state_type": state, "start_time": began.isoformat()}


@pytest.mark.parametrize(
    ("state", "hours", "said"),
    [
        ("FAILED", 0.1, "publish, failed"),
        ("CRASHED", 0.1, "publish, crashed"),
        ("COMPLETED", 30, "30 h ago"),
    ],
)
def test_a_publish_that_does_not_work_is_named(
    working: Deployed, prefect: tuple[FakePrefectServer, str], state: str, hours: float, said: str
) -> None:
    """The last run failed, or is long ago."""
    prefect[0].answers["/api/flow_runs/filter"] = lambda: [publish_run(state, hours)]
    found = checked(working)["analytics publish"]
    assert (found.state, said in found.found) == ("fail", True)


def test_missing_analytics_are_named(working: Deployed, prefect: tuple[FakePrefectServer, str]) -> None:
    """No Glue database, no workgroup, no deployment; a run of now passes."""
    prefect[0].answers["/api/flow_runs/filter"] = lambda: [publish_run("COMPLETED", 0)]
    assert checked(working)["analytics publish"].found == "completed, 0 min ago"
    working.session.client("athena").delete_work_group(WorkGroup="interactions", RecursiveDeleteOption=True)
    assert "workgroup interactions" in checked(working)["analytics catalogue"].found
    working.session.client("glue").delete_database(Name="interactions")
    assert "Glue database interactions" in checked(working)["analytics catalogue"].found
    prefect[0].answers["/api/deployments/name/publish-interactions/publish"] = None
    assert checked(working)["analytics publish"].hint == "prefect deploy --all"
