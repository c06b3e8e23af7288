"""What can go wrong in the command line.

InfraError          an expected failure: its text is for the person at the terminal
├── StackFailed     CloudFormation gave up and went back; `failures` names resources and reasons
├── NoStack         there is no such stack, or it has no such output
├── InvalidInput    a flag, a variable or a combination of them that cannot work: exit code 2, the others' is 1
├── NoAnswer        Prefect's API did not answer, or not with what was asked for
└── Refused         asked for something that we will not do
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.stack import Step


class InfraError(Exception):
    """An expected failure; the text says what is wrong and how to mend it."""


class StackFailed(InfraError):  # reads as what happened
    """CloudFormation could not do it, and the former state is back."""

    def __init__(self, stack: str, status: str, failures: list[Step]) -> None:
        self.stack, self.status, self.failures = stack, status, failures
        lines = [f"{step.resource} ({step.kind}): {step.reason}" for step in failures]
        super().__init__(
            f"stack {stack} is {status}. " + ("; ".join(lines) or "CloudFormation gave no reason.")
        )


class NoStack(InfraError):  # reads as what happened
    """The stack, or something of it, does not exist."""


class InvalidInput(InfraError):  # reads as what happened
    """What was given cannot work; the text names the flag or the variable."""


class NoAnswer(InfraError):  # reads as what happened
    """Prefect's API did not answer, or refused; `status` is its HTTP status, None without one."""

    def __init__(self, text: str, status: int | None = None) -> None:
        self.status = status
        super().__init__(text)


class Refused(InfraError):  # reads as what happened
    """Not done, on purpose."""
