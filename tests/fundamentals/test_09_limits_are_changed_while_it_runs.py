"""How many requests a minute Genesys gets is a limit of Prefect's, shown and changed in its UI."""

from __future__ import annotations

from typing import Any

import requests

from tests.fundamentals.tour import command, ended, new_interaction, put, run_of
from tests.integration.sandbox import Driver


def test_limits_are_changed_while_it_runs(driver: Driver) -> None:
    """The next requests keep to the new limit, and no worker ever writes it."""
    command(driver, "prefect", "gcl", "update", "genesys-requests", "--limit", "299")
    try:
        interaction_id = new_interaction()
        driver.simulator("faults", rate_limit=250)  # Genesys allows less than that: the lesser counts
        put(driver, ended(interaction_id))
        run_of(driver, interaction_id)

        assert limit(driver)["limit"] == 299
    finally:
        command(driver, "prefect", "gcl", "update", "genesys-requests", "--limit", "300")
    assert limit(driver)["limit"] == 300


def limit(driver: Driver) -> dict[str, Any]:
    """The limit as Prefect's UI shows it."""
    url = f"{driver.addresses.prefect_api_url}/v2/concurrency_limits/genesys-requests"
    found: dict[str, Any] = requests.get(url, timeout=10).json()
    return found
