"""Five hundred events that are not valid, through a real sandbox, with good ones among them."""

from __future__ import annotations

import json
import random
import re
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from tests.benchmarks.events import envelope
from tests.faults.bad_events import GOOD_ID, INJECTIONS, LOOK_ALIKES, Bad, event, written
from tests.faults.generated import generated
from tests.integration.bridge_feed import Feed, feed
from tests.integration.everything import appearances
from tests.integration.operations import start
from tests.integration.sandbox import Driver
from tests.integration.test_pipeline import event_text

NEIGHBOURS = 30
RECORDS = 10_000
SHORT = 3_000
ID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
TARGET = re.compile(
    rf"/oauth/token|/api/v2/analytics/conversations/(details(/query)?|details\?id={ID}((,|%2C){ID})*|{ID}/details)"
)
RUN_NAME = re.compile(rf"({ID}|\d+ interactions|\d+ events? without an interaction)(, attempt \d+)?")
MEANT = {value for value in INJECTIONS.values() if len(value) > 3}  # shorter ones are in many words


@dataclass
class Ordeal:
    """Everything bad and its neighbours, put through a sandbox."""

    driver: Driver
    bad: list[Bad]
    good: list[str] = field(default_factory=lambda: [str(uuid.uuid4()) for _ in range(NEIGHBOURS)])
    before: set[str] = field(default_factory=set)

    @property
    def expected(self) -> int:
        """How many rows must be in quarantine for it."""
        return sum(each.rejections for each in self.bad)

    def bodies(self) -> list[str]:
        """All messages, shuffled."""
        bodies = [*(each.body for each in self.bad), *map(envelope, self.good)]
        random.Random(7).shuffle(bodies)
        return bodies

    def put(self, given: Feed) -> list[dict[str, Any]]:
        """Deliver everything once and return the runs that had it, ended."""
        known = {run["id"] for run in self.driver.runs(tags={"all_": ["bridge"]})}
        given.deliver_bodies(self.bodies())
        runs = [run for run in self.driver.runs(tags={"all_": ["bridge"]}) if run["id"] not in known]
        return [self.driver.finished(run["id"], 300) for run in runs]

    def quarantined(self) -> dict[str, dict[str, Any]]:
        """The rows that are new since this began, by key."""
        rows = {row["quarantineId"]: row for row in self.driver.quarantined()}
        return {key: row for key, row in rows.items() if key not in self.before}

    def artifacts(self, runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Every artifact of these runs."""
        ids = {"flow_run_id": {"any_": [run["id"] for run in runs]}}
        found: list[dict[str, Any]] = self.driver.api("/artifacts/filter", {"artifacts": ids, "limit": 200})
        return found

    def logs(self, runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Every line that these runs logged, as far as a page holds."""
        ids = {"flow_run_id": {"any_": [run["id"] for run in runs]}}
        found: list[dict[str, Any]] = self.driver.api("/logs/filter", {"logs": ids, "limit": 200})
        return found


def distinct() -> list[Bad]:
    """The bad events, each body once."""
    return list({each.body: each for each in written() + generated()}.values())


def targets(driver: Driver) -> list[str]:
    """The addresses that Genesys was asked at, as they came."""
    answer = requests.get(f"{driver.addresses.genesys_api_url}/_sim/targets", timeout=10)
    found: list[str] = answer.json()["targets"]
    return found


@pytest.mark.timeout(600)
def test_bad_events_cost_no_good_one_and_are_kept_once(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each good one is a settled row; each bad one is in quarantine once, with a reason, however often it comes.

    What was written into an id reaches no address of Genesys's, no artifact, no log line and no name of a run.
    """
    ordeal = Ordeal(driver, distinct(), before={row["quarantineId"] for row in driver.quarantined()})
    assert len(ordeal.bad) >= 500
    with feed(driver, monkeypatch) as given:
        runs = ordeal.put(given)
        told = [run["state"]["message"] for run in runs]
        assert all("ValidationFailed: " in each and "ProcessingFailed" not in each for each in told)
        for id_ in ordeal.good:
            assert driver.until(lambda id_=id_: driver.settled(id_)), id_  # type: ignore[misc]
        rows = ordeal.quarantined()
        assert len(rows) == ordeal.expected
        assert {row["count"] for row in rows.values()} == {1}
        assert all(row["reason"] == "rejected" and len(row["error"]) > 20 for row in rows.values())

        again = ordeal.put(given)
    later = ordeal.quarantined()
    assert set(later) == set(rows)
    assert Counter(row["count"] for row in later.values()) == {2: ordeal.expected}
    assert all(later[key]["firstAt"] == row["firstAt"] for key, row in rows.items())
    seen = targets(driver)
    assert [target for target in seen if not TARGET.fullmatch(target)] == []
    assert all(any(id_ in target for target in seen) for id_ in ordeal.good)
    assert driver.row(GOOD_ID) is None  # no event with this id was valid
    shown = {
        "artifacts": json.dumps(ordeal.artifacts(runs + again)),
        "logs": json.dumps(ordeal.logs(runs + again)),
        "runs": json.dumps([{"name": run["name"], "state": run["state"]} for run in runs + again]),
    }
    assert "malformed-conversation-id" in shown["artifacts"]
    assert "validated" in shown["logs"]
    assert appearances(shown, MEANT) == set()
    assert [run["name"] for run in runs + again if not RUN_NAME.fullmatch(run["name"])] == []


def test_what_comes_past_the_bridge_is_refused_as_well(driver: Driver) -> None:
    """Events as nobody slimmed them, as any user of the API may send them, cost a good one among them nothing."""
    id_ = str(uuid.uuid4())
    # What a user sends is in the run's parameters as it was sent; the search for leaks is not for that.
    fit = [bad.body for bad in distinct() if bad.body.isprintable() and "Bearer" not in bad.body]
    bodies = [body for body in fit if len(body) < SHORT][:200]
    assert len(bodies) == 200
    run = driver.finished(driver.create_run([*bodies, event_text(id_)]))
    assert "1 saved, 0 unchanged, 0 deferred" in run["state"]["message"]
    assert driver.settled(id_)
    shown = {"artifacts": json.dumps(driver.outcomes(run["id"])), "message": run["state"]["message"]}
    assert appearances(shown, MEANT) == set()


def test_an_id_that_is_none_is_not_replayed(driver: Driver) -> None:
    """Whoever replays by hand can put nothing but UUIDs into Genesys's address, and is told so."""
    driver.simulator("reset", only=["counters"])
    ids = [each for each in [*INJECTIONS.values(), *LOOK_ALIKES.values()] if each.isprintable()]
    ids = [id_ for id_ in ids if len(id_) < SHORT]
    run = driver.finished(start(driver, "replay-interactions/replay", interaction_ids=ids))
    assert run["state"]["message"].startswith("invalid-request: ")
    assert run["name"] == f"replay of {len(ids)} interactions"
    assert appearances({"message": run["state"]["message"]}, MEANT) == set()
    assert [target for target in targets(driver) if "details" in target] == []


@pytest.mark.parametrize("count", [1_200, pytest.param(RECORDS, marks=pytest.mark.long)])
@pytest.mark.timeout(600)
def test_thousands_of_records_in_one_event(
    driver: Driver, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """A list that is too large for a run travels in parts: every interaction that it speaks of is a row."""
    ids = {str(uuid.uuid4()) for _ in range(count)}
    records = [{"interactionId": id_, "type": "update"} for id_ in ids]
    body = event(f"records {uuid.uuid4()}", records, "Conversation Update")
    with feed(driver, monkeypatch) as given:
        given.deliver_bodies([body])

    def stored() -> bool:
        rows = driver.rows(driver.addresses.interaction_table)
        return ids <= {row["interactionId"] for row in rows if row.get("settled")}

    driver.until(stored, 500)
