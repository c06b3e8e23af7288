"""One CloudFormation stack: its state, its change sets, and their execution."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, WaiterError

from infra.errors import InfraError, StackFailed, StackNotFound, StackStuck

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

REVIEW_STATUSES = {"REVIEW_IN_PROGRESS"}  # a change set was made, but never executed: there are no resources
UNUSABLE_STATUSES = {  # such a stack cannot be updated, only deleted
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "CREATE_FAILED",
    "DELETE_FAILED",
}
STUCK_STATUSES = {"UPDATE_ROLLBACK_FAILED"}  # only a continued rollback leads out of it
GOOD_STATUSES = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}
NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
CANCELLED_BY_ANOTHER = "Resource creation cancelled", "Resource update cancelled"


@dataclass(frozen=True)
class StackEvent:
    """One event of a stack: what happened to one of its resources."""

    resource: str
    kind: str
    status: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.resource} ({self.kind}): {self.reason}"

    @property
    def failed(self) -> bool:
        """Whether the resource failed by itself, rather than being cancelled because another one failed."""
        return self.status.endswith("_FAILED") and not self.reason.startswith(CANCELLED_BY_ANOTHER)


@dataclass(frozen=True)
class ResourceChange:
    """What would happen to one resource. `action`: Add, Modify, Remove; `replacement`: True, False, Conditional."""

    action: str
    resource: str
    kind: str
    replacement: str = ""
    causes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """A change set that is ready to be executed; `parameters`: former and new value of each that changes."""

    name: str
    creates: bool
    changes: tuple[ResourceChange, ...]
    parameters: Mapping[str, tuple[str | None, str]] = field(default_factory=dict)
    takes_over: bool = False


class Stack:
    """A stack by its name; `poll` is the seconds between two looks at its progress."""

    def __init__(self, client: CloudFormationClient, name: str, poll: float = 2.0) -> None:
        self.client, self.name, self.poll = client, name, poll

    def describe(self) -> StackTypeDef | None:
        """Return CloudFormation's description; None without a stack, or with one that is only a change set."""
        found = self._find()
        return None if found is None or found["StackStatus"] in REVIEW_STATUSES else found

    def outputs(self) -> dict[str, str]:
        """Return the outputs by name; raises StackNotFound."""
        found = self.describe()
        if found is None:
            raise StackNotFound(f"there is no stack {self.name} here: `python -m infra deploy` makes it")
        return {item["OutputKey"]: item["OutputValue"] for item in found.get("Outputs", [])}

    def parameters(self) -> dict[str, str]:
        """Return the deployed parameters by name, none without a stack."""
        found = self.describe()
        given = found.get("Parameters", []) if found else []
        return {item["ParameterKey"]: item["ParameterValue"] for item in given}

    def unusable(self) -> str | None:
        """Return the status of a stack that can only be deleted; None of any other, and without a stack."""
        status = self._status()
        return status if status in UNUSABLE_STATUSES else None

    def plan(
        self,
        template: str,
        parameters: Mapping[str, str],
        tags: Mapping[str, str],
        *,
        takes_over: bool = False,
    ) -> Plan | None:
        """Make a change set and return it; None when it would change nothing.

        `takes_over`: what exists under a name that the template has literally becomes the stack's. Raises InfraError
        when CloudFormation rejects the change, and when the stack's state does not allow one; nothing is changed then.
        """
        self._check_usable()
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
            ImportExistingResources=takes_over,
        )
        try:
            if not self._has_changes(name):
                self.discard(name)
                return None
        except KeyboardInterrupt:
            self.discard(name)
            raise
        changed = {k: (former.get(k), v) for k, v in parameters.items() if former.get(k) != v}
        return Plan(name, creates, self._changes(name), {} if creates else changed, takes_over=takes_over)

    def discard(self, change_set: str) -> None:
        """Delete a change set, and the stack too if it has never had a resource and nobody else's change set."""
        self.client.delete_change_set(StackName=self.name, ChangeSetName=change_set)
        if self._status() not in REVIEW_STATUSES:
            return
        others = self.client.list_change_sets(StackName=self.name)["Summaries"]
        if all(each["ChangeSetName"] == change_set for each in others):
            self.client.delete_stack(StackName=self.name)

    def execute(self, plan: Plan, report: Callable[[StackEvent], None] = lambda _: None) -> None:
        """Execute the plan, wait for its end, report every event.

        Raises StackFailed when CloudFormation rolled back. A stack that could not be created is deleted.
        """
        seen = self._event_ids()
        # Tables of a stack that could not be created are empty: they are deleted in spite of their Retain. Not where
        # some of them were there before.
        self.client.execute_change_set(
            StackName=self.name,
            ChangeSetName=plan.name,
            RetainExceptOnCreate=plan.creates and not plan.takes_over,
        )
        events, status = self._follow(seen, report)
        if status in GOOD_STATUSES:
            return
        if plan.creates:
            self.delete()
        raise StackFailed(self.name, status, [str(event) for event in events if event.failed])

    def delete(self, report: Callable[[StackEvent], None] = lambda _: None) -> None:
        """Delete the stack and wait for its end; the resources that the template retains stay."""
        found = self._find()
        if found is None:
            return
        stack_id, seen = found["StackId"], self._event_ids()
        self.client.delete_stack(StackName=self.name)
        events, status = self._follow(seen, report, stack_id)
        if status != "DELETE_COMPLETE":
            raise StackFailed(self.name, status, [str(event) for event in events if event.failed])

    def protect(self) -> None:
        """Turn on the stack's termination protection: nobody deletes it without turning it off first."""
        self.client.update_termination_protection(StackName=self.name, EnableTerminationProtection=True)

    def unprotect(self) -> None:
        """Turn off the stack's termination protection."""
        self.client.update_termination_protection(StackName=self.name, EnableTerminationProtection=False)

    def continue_rollback(
        self, skip: Sequence[str] = (), report: Callable[[StackEvent], None] = lambda _: None
    ) -> None:
        """Continue a rollback that failed, and wait for its end; `skip`: logical ids that it leaves as they are.

        Raises InfraError when the stack is in another state, StackFailed when it failed again.
        """
        if (status := self._status()) not in STUCK_STATUSES:
            raise InfraError(f"stack {self.name} is {status or 'not there'}: no rollback of it has failed")
        seen = self._event_ids()
        self.client.continue_update_rollback(StackName=self.name, ResourcesToSkip=list(skip))
        events, status = self._follow(seen, report)
        if status != "UPDATE_ROLLBACK_COMPLETE":
            raise StackFailed(self.name, status, [str(event) for event in events if event.failed])

    def _status(self) -> str | None:
        found = self._find()
        return found["StackStatus"] if found else None

    def _find(self, name: str | None = None) -> StackTypeDef | None:
        try:
            return self.client.describe_stacks(StackName=name or self.name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise

    def _check_usable(self) -> None:
        """Raise InfraError for a stack that cannot be updated."""
        if status := self.unusable():
            raise InfraError(
                f"stack {self.name} is {status}, so it can only be deleted and made anew: "
                "`python -m infra deploy` does both, and asks first"
            )
        if (status := self._status()) in STUCK_STATUSES:
            raise StackStuck(self.name, str(status), self._why_stuck())

    def _why_stuck(self) -> list[str]:
        """Return which resources could not be rolled back, the latest first."""
        events = map(_stack_event, reversed(self._events(self.name)))
        failed = {event.resource: event for event in events if event.failed and event.resource != self.name}
        return [str(event) for event in failed.values()][:5]

    def _has_changes(self, name: str) -> bool:
        """Wait until CloudFormation has computed the change set; raises InfraError when it is rejected."""
        try:
            self.client.get_waiter("change_set_create_complete").wait(
                StackName=self.name,
                ChangeSetName=name,
                WaiterConfig={"Delay": max(1, int(self.poll)), "MaxAttempts": 120},
            )
        except WaiterError as error:
            reason = str(error.last_response.get("StatusReason", error))
            if any(text in reason for text in NO_CHANGES):
                return False
            self.discard(name)
            raise InfraError(f"CloudFormation refuses the change: {reason}") from error
        return True

    def _changes(self, name: str) -> tuple[ResourceChange, ...]:
        pages = self.client.get_paginator("describe_change_set").paginate(
            StackName=self.name, ChangeSetName=name
        )
        return tuple(_resource_change(item) for page in pages for item in page.get("Changes", []))

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
        self, seen: set[str], report: Callable[[StackEvent], None], stack_id: str | None = None
    ) -> tuple[list[StackEvent], str]:
        """Wait until no operation is in progress; return its events and the final status."""
        events: list[StackEvent] = []
        while True:
            # The status before the events: those that led to it are then among them.
            found = self._find(stack_id)
            for event in self._events(stack_id or self.name):
                if event["EventId"] not in seen:
                    seen.add(event["EventId"])
                    events.append(_stack_event(event))
                    report(events[-1])
            status = found["StackStatus"] if found else "DELETE_COMPLETE"
            if not status.endswith("IN_PROGRESS"):
                return events, status
            time.sleep(self.poll)


def _stack_event(event: Mapping[str, Any]) -> StackEvent:
    return StackEvent(
        event["LogicalResourceId"],
        event.get("ResourceType", ""),
        event.get("ResourceStatus", ""),
        event.get("ResourceStatusReason", ""),
    )


def _resource_change(item: Mapping[str, Any]) -> ResourceChange:
    change = item["ResourceChange"]
    targets = [detail.get("Target", {}) for detail in change.get("Details", [])]
    causes = {target.get("Name") or target.get("Attribute") for target in targets} - {None, ""}
    return ResourceChange(
        change["Action"],
        change["LogicalResourceId"],
        change.get("ResourceType", ""),
        change.get("Replacement", ""),
        tuple(sorted(causes)),
    )
