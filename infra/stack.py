"""One CloudFormation stack: what it is, what would change, and changing it."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, WaiterError

from infra.errors import InfraError, NoStack, StackFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

NEW = {"REVIEW_IN_PROGRESS"}  # a stack that is only a change set so far
DEAD = {
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "CREATE_FAILED",
    "DELETE_FAILED",
}  # cannot be updated, only deleted
GOOD = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}
NOTHING = ("didn't contain changes", "No updates are to be performed")
CONSEQUENCE = "Resource creation cancelled", "Resource update cancelled"


@dataclass(frozen=True)
class Step:
    """One line of a stack's history."""

    resource: str
    kind: str
    status: str
    reason: str = ""

    @property
    def failed(self) -> bool:
        """Whether this is a cause of failure, and not a consequence of another's."""
        return self.status.endswith("_FAILED") and not self.reason.startswith(CONSEQUENCE)


@dataclass(frozen=True)
class Change:
    """What would happen to one resource: Add, Modify, Remove; `replacement`: True, False or Conditional."""

    action: str
    resource: str
    kind: str
    replacement: str = ""
    causes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """A change set that waits to be executed."""

    name: str
    creates: bool
    changes: tuple[Change, ...]
    parameters: Mapping[str, tuple[str | None, str]] = field(default_factory=dict)


class Stack:
    """A stack by its name; nothing is asked of AWS before a method is called."""

    def __init__(self, client: CloudFormationClient, name: str, poll: float = 2.0) -> None:
        self.client, self.name, self.poll = client, name, poll

    # ---- what it is
    def describe(self) -> StackTypeDef | None:
        """Return the stack as it is, or None when there is none (or it is only a change set)."""
        found = self._find()
        return None if found is None or found["StackStatus"] in NEW else found

    def outputs(self) -> dict[str, str]:
        """Return the outputs by name; raises NoStack."""
        found = self.describe()
        if found is None:
            raise NoStack(f"there is no stack {self.name} here: `python -m infra deploy` makes it")
        return {item["OutputKey"]: item["OutputValue"] for item in found.get("Outputs", [])}

    def parameters(self) -> dict[str, str]:
        """Return the parameters that are deployed, empty without a stack."""
        found = self.describe()
        given = found.get("Parameters", []) if found else []
        return {item["ParameterKey"]: item["ParameterValue"] for item in given}

    # ---- what would change
    def plan(self, template: str, parameters: Mapping[str, str], tags: Mapping[str, str]) -> Plan | None:
        """Make a change set and return it, or None when nothing would change."""
        self._clear_away()
        former = self.parameters()
        creates = self.describe() is None
        name = f"deploy-{uuid.uuid4().hex[:12]}"
        self.client.create_change_set(
            StackName=self.name,
            ChangeSetName=name,
            ChangeSetType="CREATE" if creates else "UPDATE",
            TemplateBody=template,
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in sorted(parameters.items())],
            Tags=[{"Key": k, "Value": v} for k, v in sorted(tags.items())],
            Capabilities=["CAPABILITY_IAM"],
        )
        if not self._ready(name):
            self.discard(name)
            return None
        changed = {k: (former.get(k), v) for k, v in parameters.items() if former.get(k) != v}
        return Plan(name, creates, self._changes(name), {} if creates else changed)

    def discard(self, change_set: str) -> None:
        """Delete a change set, and the empty stack that it may have brought about."""
        self.client.delete_change_set(StackName=self.name, ChangeSetName=change_set)
        found = self._find()
        if found is not None and found["StackStatus"] in NEW:
            self.client.delete_stack(StackName=self.name)

    # ---- changing it
    def execute(self, plan: Plan, report: Callable[[Step], None] = lambda _: None) -> None:
        """Carry the plan out, wait, report every step. Raises StackFailed when the former state is back."""
        seen = self._event_ids()
        # A table that was made a moment ago, by a stack that failed, holds nothing worth keeping.
        self.client.execute_change_set(
            StackName=self.name, ChangeSetName=plan.name, RetainExceptOnCreate=plan.creates
        )
        steps, status = self._follow(seen, report)
        if status in GOOD:
            return
        if plan.creates:
            self.delete()
        raise StackFailed(self.name, status, [step for step in steps if step.failed])

    def delete(self, report: Callable[[Step], None] = lambda _: None) -> None:
        """Delete the stack and wait; what the template retains stays."""
        found = self._find()
        if found is None:
            return
        stack_id, seen = found["StackId"], self._event_ids()
        self.client.delete_stack(StackName=self.name)
        steps, status = self._follow(seen, report, stack_id)
        if status != "DELETE_COMPLETE":
            raise StackFailed(self.name, status, [step for step in steps if step.failed])

    # ---- the details
    def _find(self, name: str | None = None) -> StackTypeDef | None:
        try:
            return self.client.describe_stacks(StackName=name or self.name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise

    def _clear_away(self) -> None:
        found = self._find()
        if found is not None and found["StackStatus"] in DEAD:
            self.delete()

    def _ready(self, name: str) -> bool:
        try:
            self.client.get_waiter("change_set_create_complete").wait(
                StackName=self.name,
                ChangeSetName=name,
                WaiterConfig={"Delay": max(1, int(self.poll)), "MaxAttempts": 120},
            )
        except WaiterError as error:
            reason = str(error.last_response.get("StatusReason", error))
            if any(text in reason for text in NOTHING):
                return False
            self.discard(name)
            raise InfraError(f"CloudFormation refuses the change: {reason}") from error
        return True

    def _changes(self, name: str) -> tuple[Change, ...]:
        pages = self.client.get_paginator("describe_change_set").paginate(
            StackName=self.name, ChangeSetName=name
        )
        return tuple(_change(item) for page in pages for item in page.get("Changes", []))

    def _event_ids(self) -> set[str]:
        return {event["EventId"] for event in self._events(self.name)}

    def _events(self, name: str) -> list[Any]:
        try:
            return list(reversed(self.client.describe_stack_events(StackName=name)["StackEvents"]))
        except ClientError as error:
            if "does not exist" in str(error):
                return []
            raise

    def _follow(
        self, seen: set[str], report: Callable[[Step], None], stack_id: str | None = None
    ) -> tuple[list[Step], str]:
        steps: list[Step] = []
        while True:
            # Status first: the events that led to it are then certainly there.
            found = self._find(stack_id)
            for event in self._events(stack_id or self.name):
                if event["EventId"] not in seen:
                    seen.add(event["EventId"])
                    steps.append(_step(event))
                    report(steps[-1])
            status = found["StackStatus"] if found else "DELETE_COMPLETE"
            if not status.endswith("IN_PROGRESS"):
                return steps, status
            time.sleep(self.poll)


def _step(event: Mapping[str, Any]) -> Step:
    return Step(
        event["LogicalResourceId"],
        event.get("ResourceType", ""),
        event.get("ResourceStatus", ""),
        event.get("ResourceStatusReason", ""),
    )


def _change(item: Mapping[str, Any]) -> Change:
    change = item["ResourceChange"]
    details = change.get("Details", [])
    names = {
        detail.get("Target", {}).get("Name") or detail.get("Target", {}).get("Attribute")
        for detail in details
    }
    causes = tuple(sorted(name for name in names if name))
    return Change(
        change["Action"],
        change["LogicalResourceId"],
        change.get("ResourceType", ""),
        change.get("Replacement", ""),
        causes,
    )
