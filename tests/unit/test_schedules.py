"""The schedules of prefect.yaml, made into dates as a Prefect server makes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.server.schemas.schedules import CronSchedule

FILE = Path(__file__).parents[2] / "prefect.yaml"
DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["deployments"]
SCHEDULES = [
    pytest.param(schedule, id=f"{deployment['name']}-{schedule['slug']}")
    for deployment in DEPLOYMENTS
    for schedule in deployment["schedules"]
]


@pytest.mark.parametrize("schedule", SCHEDULES)
async def test_a_server_with_our_pins_schedules_it(schedule: dict[str, Any]) -> None:
    """With `whenever` 0.10.5 the server logged an error for each deployment, and no run was ever scheduled."""
    now = datetime(2026, 1, 15, 12, tzinfo=UTC)
    dates = await CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"]).get_dates(3, now)
    assert len(dates) == 3
    assert now <= dates[0] <= now + timedelta(days=1)
