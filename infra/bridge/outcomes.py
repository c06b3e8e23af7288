"""What can stand between a batch and its acceptance.

Exception
├── Stopped    nothing more can be posted now: whatever is not accepted yet goes back to the queue
└── Refused    this batch was refused for what is in it: it is halved until the offender is alone
"""

from __future__ import annotations


class Stopped(Exception):  # not an error of ours: the queue is there for this
    """An outage, back-pressure or the end of the time; `code` is a kebab-case name, `status` HTTP's."""

    def __init__(self, code: str, status: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.status = status


class Refused(Exception):  # the same
    """Prefect answered `status` to what the batch holds; `reason` is short, printable and masked."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"refused with {status}")
        self.status = status
        self.reason = reason
