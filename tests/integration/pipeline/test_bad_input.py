"""Five hundred invalid events through a real sandbox, with valid ones among them."""

from __future__ import annotations

import json
import random
import re
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.bridge_feed import bridge_feed, delivered
from tests.support.event_source_mapping import EventSourceMapping
from tests.support.events import envelope, event_text
from tests.support.generated_invalid_events import generated_events
from tests.support.invalid_events import (
    BAD,
    INJECTIONS,
    LOOK_ALIKES,
    VALID_ID,
    InvalidEvent,
    event,
    strange_events,
    written_events,
)
from tests.support.prefect_contents import appearances
from tests.support.prefect_runs import REPLAY, logs_with, offered
from tests.support.sandbox import SandboxDriver, replaced_worker

VALID = 30
RECORDS = 10_000
SHORT = 3_000
ID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
CONVERSATIONS = rf"conversations/(details(/query)?|details\?id={ID}((,|%2C){ID})*|{ID}/details)"
DIRECTORY = (
    rf"(users|routing/(queues|wrapupcodes)|authorization/divisions)\?(id={ID}&)+pageSize=100(&state=any)?"
)
# `/` is what a worker asks when it starts, to see whether the host answers.
TARGET = re.compile(rf"/|/oauth/token|/api/v2/analytics/{CONVERSATIONS}|/api/v2/{DIRECTORY}&pageNumber=\d+")
RUN_NAME = re.compile(rf"({ID}|\d+ interactions|\d+ events? without an interaction)(, attempt \d+)?")
MEANT = {value for value in INJECTIONS.values() if len(value) > 3}  # shorter ones are part of many words


@dataclass
class MixedEvents:
    """Invalid and valid events, and what a sandbox makes of them."""

    driver: SandboxDriver
    invalid: list[InvalidEvent]
    valid: list[str] = field(default_factory=lambda: [str(uuid.uuid4()) for _ in range(VALID)])

    @property
    def expected(self) -> int:
        """The number of quarantine rows that the invalid events must make."""
        return sum(each.rejections for each in self.invalid)

    def bodies(self) -> list[str]:
        """Return all messages, shuffled."""
        bodies = [*(each.body for each in self.invalid), *map(envelope, self.valid)]
        random.Random(7).shuffle(bodies)
        return bodies

    def put(self, bridge: EventSourceMapping) -> list[dict[str, Any]]:
        """Deliver everything once; return its finished runs."""
        return delivered(self.driver, bridge, self.bodies(), BAD, *self.valid)

    def quarantined(self, runs: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Return the quarantine rows that these runs were the last to write, by key."""
        ids = {run["id"] for run in runs}
        return {row["quarantineId"]: row for row in self.driver.quarantined() if row["flowRunId"] in ids}

    def artifacts(self, runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return up to 200 artifacts of these runs."""
        ids = {"flow_run_id": {"any_": [run["id"] for run in runs]}}
        found: list[dict[str, Any]] = self.driver.api("/artifacts/filter", {"artifacts": ids, "limit": 200})
        return found

    def logs(self, runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return up to 200 log lines of these runs, once there is one of what was validated."""
        return logs_with(self.driver, "validated", flow_run_id={"any_": [run["id"] for run in runs]})


def distinct() -> list[InvalidEvent]:
    """Return the invalid events, each body once."""
    return list({each.body: each for each in written_events() + generated_events()}.values())


@pytest.mark.timeout(600)
def test_invalid_events_are_quarantined_once_and_valid_ones_saved(
    driver: SandboxDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each valid event is a settled row; each invalid one is a quarantine row with an error, however often it comes.

    No invalid id is in a request to Genesys, an artifact, a log line or the name of a run.
    """
    mixed = MixedEvents(driver, distinct())
    assert len(mixed.invalid) >= 500
    with bridge_feed(driver, monkeypatch) as bridge:
        runs = mixed.put(bridge)
        messages = [run["state"]["message"] for run in runs]
        assert all("ValidationFailed: " in each and "ProcessingFailed" not in each for each in messages)
        for id_ in mixed.valid:
            assert driver.until_settled(id_), id_
        rows = mixed.quarantined(runs)
        assert len(rows) == mixed.expected
        assert {row["count"] for row in rows.values()} == {1}
        assert all(row["reason"] == "rejected" and len(row["error"]) > 20 for row in rows.values())

        again = mixed.put(bridge)
    later = mixed.quarantined(again)
    assert set(later) == set(rows)
    assert Counter(row["count"] for row in later.values()) == {2: mixed.expected}
    assert all(later[key]["firstAt"] == row["firstAt"] for key, row in rows.items())
    seen = driver.genesys_targets()
    assert [target for target in seen if not TARGET.fullmatch(target)] == []
    assert all(any(id_ in target for target in seen) for id_ in mixed.valid)
    assert driver.row(VALID_ID) is None  # no event with this id was valid
    shown = {
        "artifacts": json.dumps(mixed.artifacts(runs + again)),
        "logs": json.dumps(mixed.logs(runs + again)),
        "runs": json.dumps([{"name": run["name"], "state": run["state"]} for run in runs + again]),
    }
    assert "malformed-conversation-id" in shown["artifacts"]
    assert appearances(shown, MEANT) == set()
    assert [run["name"] for run in runs + again if not RUN_NAME.fullmatch(run["name"])] == []


def shows_a_secret(text: str) -> bool:
    """Whether the tests of leaks would find the text: a run's parameters have what a user of the API sent."""
    return "Bearer" in text


def test_invalid_events_of_an_api_user_are_rejected_as_well(driver: SandboxDriver) -> None:
    """Events in a run's parameters that did not pass the bridge are rejected, and a valid one among them is saved."""
    id_ = str(uuid.uuid4())
    fit = [bad.body for bad in distinct() if bad.body.isprintable() and not shows_a_secret(bad.body)]
    bodies = [body for body in fit if len(body) < SHORT][:200]
    assert len(bodies) == 200
    run = driver.finished(driver.create_run([*bodies, event_text(id_)]))
    assert "1 saved, 0 unchanged, 0 deferred" in run["state"]["message"]
    assert driver.settled(id_)
    shown = {"artifacts": json.dumps(driver.outcomes(run["id"])), "message": run["state"]["message"]}
    assert appearances(shown, MEANT) == set()


def test_events_with_strange_values_are_saved(driver: SandboxDriver) -> None:
    """Values that a field which decides nothing cannot have cost no event, and are in no artifact."""
    id_ = str(uuid.uuid4())
    events = [text.replace(VALID_ID, id_) for text in strange_events() if not shows_a_secret(text)]
    run = driver.finished(driver.create_run(events))
    assert (
        run["state"]["message"] == f"1 saved, {len(events) - 1} unchanged, 0 deferred, 0 rejected, 0 failed"
    )
    assert driver.settled(id_)
    assert appearances({"artifacts": json.dumps(driver.outcomes(run["id"]))}, MEANT) == set()


def test_other_topics_are_ignored(driver: SandboxDriver) -> None:
    """The run is Completed and counts them; they leave nothing in a table."""
    id_, ignored = str(uuid.uuid4()), [str(uuid.uuid4()) for _ in range(2)]
    topic = "v2.conversations.{id}.transcription"
    others = [event_text(each).replace("conversation.end", topic, 1) for each in ignored]
    run = driver.finished(driver.create_run([others[0], event_text(id_), others[1]]))
    assert run["state"]["message"] == "1 saved, 0 unchanged, 0 deferred, 0 rejected, 0 failed, 2 ignored"
    assert run["state_type"] == "COMPLETED"
    assert [row["outcome"] for row in driver.outcomes(run["id"])].count("ignored") == 2
    for each in ignored:
        assert driver.row(each) is None
        assert not [row for row in driver.quarantined() if each in str(row)]


def test_another_organisations_event_is_rejected(driver: SandboxDriver) -> None:
    """A worker that knows its organisation asks Genesys for no other's conversation."""
    ours, theirs = (str(uuid.uuid4()) for _ in range(2))
    organisation = str(uuid.uuid4())
    events = [
        event_text(id_).replace("com.genesyscloud.platform", f"aws.partner/genesys.com/cloud/{org}/x", 1)
        for id_, org in ((ours, organisation), (theirs, uuid.uuid4()))
    ]
    with replaced_worker(driver.sandbox, GENESYS_ORGANIZATION_ID=organisation):
        run = driver.finished(driver.create_run(events))
    assert "1 saved, 0 unchanged, 0 deferred, 1 rejected" in run["state"]["message"]
    (row,) = driver.quarantined(interactionId=theirs)
    assert row["code"] == "foreign-organisation"
    assert not any(theirs in target for target in driver.genesys_targets())


def test_an_invalid_id_is_not_replayed(driver: SandboxDriver) -> None:
    """Only UUIDs of a replay's parameters reach Genesys; Prefect refuses others, and the flow without quoting them."""
    ids = [each for each in [*INJECTIONS.values(), *LOOK_ALIKES.values()] if each.isprintable()]
    ids = [id_ for id_ in ids if len(id_) < SHORT and id_.strip() != VALID_ID]  # blanks around one do no harm
    for id_ in ids:
        assert offered(driver, REPLAY, interaction_ids=[id_]).status_code == 409, id_
    run = driver.finished(offered(driver, REPLAY, enforced=False, interaction_ids=ids).json()["id"])
    assert run["state_name"] == "Refused"
    assert run["state"]["message"].startswith("invalid-request: ")
    assert run["name"] == f"replay of {len(ids)} interactions"
    assert appearances({"message": run["state"]["message"]}, MEANT) == set()
    asked = driver.genesys_targets()  # another test's deferred run may ask meanwhile
    asked = [target for target in asked if "details" in target]
    assert [target for target in asked if not TARGET.fullmatch(target) or VALID_ID[:-1] in target] == []


@pytest.mark.parametrize("count", [1_200, pytest.param(RECORDS, marks=pytest.mark.long)])
@pytest.mark.timeout(600)
def test_thousands_of_records_in_one_event(
    driver: SandboxDriver, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """A list that is too large for one run is split: every interaction in it is stored."""
    ids = {str(uuid.uuid4()) for _ in range(count)}
    records = [{"interactionId": id_, "type": "update"} for id_ in ids]
    body = event(f"records {uuid.uuid4()}", records, "Conversation Update")
    with bridge_feed(driver, monkeypatch) as bridge:
        bridge.deliver([body])

    def stored() -> bool:
        rows = driver.rows(driver.addresses.interaction_table)
        return ids <= {row["interactionId"] for row in rows if row.get("settled")}

    driver.until(stored, 500)
