"""Checks of the analytics: the Glue database, the Athena workgroup, and the last run of publish.

The docstring of a check says what holds when it passes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from infra.errors import PrefectApiError
from infra.verify.bus import REDEPLOY
from infra.verify.check import Check, CheckFailed, CheckUnknown

if TYPE_CHECKING:
    from infra.prefect_api import Prefect
    from infra.verify.context import CheckContext

DEPLOYMENT = "publish-interactions/publish"
RUN = f"prefect deployment run '{DEPLOYMENT}'"
LATE = timedelta(hours=2)  # publish runs every 15 minutes
NOT_FOUND = 404
STARTED = ["RUNNING", "COMPLETED", "FAILED", "CRASHED", "CANCELLED"]


def checks(context: CheckContext, api: Prefect) -> list[Check]:
    """Return this module's checks, none of a stack without analytics."""
    if "AnalyticsDatabaseName" not in context.outputs:
        return []
    return [
        Check("analytics catalogue", lambda: catalogue(context)),
        Check("analytics publish", lambda: published(api)),
    ]


def catalogue(context: CheckContext) -> str:
    """The Glue database and the Athena workgroup exist, and the workgroup is enabled."""
    database, group = context.outputs["AnalyticsDatabaseName"], context.outputs["AnalyticsWorkGroupName"]
    glue, athena = context.client("glue"), context.client("athena")
    try:
        glue.get_database(Name=database)
    except glue.exceptions.EntityNotFoundException as error:
        raise CheckFailed(f"there is no Glue database {database}", REDEPLOY) from error
    try:
        state = athena.get_work_group(WorkGroup=group)["WorkGroup"].get("State", "ENABLED")
    except athena.exceptions.InvalidRequestException as error:
        raise CheckFailed(f"there is no Athena workgroup {group}", REDEPLOY) from error
    if state != "ENABLED":
        raise CheckFailed(
            f"workgroup {group} is {state}",
            f"aws athena update-work-group --work-group {group} --state ENABLED",
        )
    return f"Glue database {database}, workgroup {group}"


def published(api: Prefect) -> str:
    """The last run of publish did not fail, and is not long ago."""
    try:
        deployment = api.deployment(DEPLOYMENT)
    except PrefectApiError as error:
        if error.status == NOT_FOUND:
            raise CheckFailed(f"Prefect knows no deployment {DEPLOYMENT}", "prefect deploy --all") from error
        raise CheckUnknown("unknown without the API") from error
    run = _last_run(api, deployment["id"])
    if run is None:
        return f"it has not run yet: {RUN}"
    state, began = run["state_type"], datetime.fromisoformat(str(run["start_time"]))
    ago = datetime.now(UTC) - began
    if state in {"FAILED", "CRASHED"}:
        raise CheckFailed(
            f"the last run, {run['name']}, {state.lower()}", f"look at it in the UI, then {RUN}"
        )
    if ago > LATE and not deployment.get("paused"):
        raise CheckFailed(
            f"the last run was {_hours(ago)} ago", f"does a worker take the work queue publish? {RUN}"
        )
    return f"{state.lower()}, {ago.total_seconds() / 60:.0f} min ago"


def _last_run(api: Prefect, deployment_id: str) -> dict[str, Any] | None:
    found = api.call(
        "POST",
        "/flow_runs/filter",
        {
            "deployments": {"id": {"any_": [deployment_id]}},
            "flow_runs": {"state": {"type": {"any_": STARTED}}},
            "sort": "START_TIME_DESC",
            "limit": 1,
        },
    )
    return next((run for run in found if run.get("start_time")), None)


def _hours(ago: timedelta) -> str:
    return f"{ago.total_seconds() / 3600:.0f} h"
