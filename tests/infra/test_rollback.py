"""UPDATE_ROLLBACK_FAILED, in which CloudFormation refuses every change, has a way out that the commands name."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from infra.errors import InfraError, StackFailed, StackStuck
from infra.stack.change_set import Stack
from tests.support.stack import infra


class StuckCloudFormation:
    """The calls of CloudFormation about one stack whose rollback failed; `ends` are the states of continued ones."""

    meta = SimpleNamespace(endpoint_url="http://127.0.0.1:9")

    def __init__(self, *ends: str) -> None:
        self.status, self.ends, self.skipped = "UPDATE_ROLLBACK_FAILED", list(ends), [[""]]
        self.events: list[dict[str, Any]] = []
        self._note("BridgeMapping", "UPDATE_FAILED", "The key is disabled")

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        """Return the stack."""
        return {"Stacks": [{"StackName": StackName, "StackId": "1", "StackStatus": self.status}]}

    def describe_stack_events(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        """Return the events, the latest first, as AWS does."""
        assert StackName
        return {"StackEvents": list(reversed(self.events))}

    def continue_update_rollback(self, StackName: str, ResourcesToSkip: list[str]) -> None:  # noqa: N803
        """End in the next state."""
        assert StackName
        self.skipped.append(ResourcesToSkip)
        self.status = self.ends.pop(0)
        if self.status == "UPDATE_ROLLBACK_FAILED":
            self._note("BridgeMapping", "UPDATE_FAILED", "The key is still disabled")

    def _note(self, resource: str, status: str, reason: str) -> None:
        event = {"EventId": str(len(self.events)), "LogicalResourceId": resource, "ResourceStatus": status}
        self.events.append(event | {"ResourceStatusReason": reason, "Timestamp": datetime.now(UTC)})


def stuck(*ends: str) -> tuple[StuckCloudFormation, Stack]:
    """Return the calls, and a stack with them."""
    client: Any = StuckCloudFormation(*ends)
    return client, Stack(client, "interactions", poll=0.01)


def test_a_change_names_what_failed_and_the_way_out() -> None:
    """No change set is tried: the text has the resource, the reason and the command."""
    _, stack = stuck()
    with pytest.raises(StackStuck, match=r"python -m infra rollback.*--skip.*BridgeMapping.*key is disabled"):
        stack.plan("{}", {}, {})


def test_the_rollback_is_continued() -> None:
    """With the resources that cannot be rolled back left out."""
    client, stack = stuck("UPDATE_ROLLBACK_COMPLETE")
    stack.continue_rollback(["BridgeMapping"])
    assert client.skipped[-1] == ["BridgeMapping"]


def test_a_rollback_that_fails_again_says_why() -> None:
    """And can be continued once more."""
    _, stack = stuck("UPDATE_ROLLBACK_FAILED", "UPDATE_ROLLBACK_COMPLETE")
    with pytest.raises(StackFailed, match="still disabled"):
        stack.continue_rollback()
    stack.continue_rollback()
    with pytest.raises(InfraError, match="UPDATE_ROLLBACK_COMPLETE: no rollback of it has failed"):
        stack.continue_rollback()


def test_a_program_is_told_of_the_rollback(monkeypatch: pytest.MonkeyPatch) -> None:
    """One document on standard output, the words on standard error."""
    client = StuckCloudFormation("UPDATE_ROLLBACK_COMPLETE")
    monkeypatch.setattr(boto3, "Session", lambda **_: SimpleNamespace(client=lambda _: client))
    answer = infra("rollback", "--skip", "BridgeMapping", "--yes", "--json")
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout) == {"rolledBack": "interactions", "skipped": ["BridgeMapping"]}
    assert "as it was before the update" in answer.stderr
