"""Which worker has a run in hand: the message of the run's states Pending and Running says so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, Self
from uuid import uuid4

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

_MESSAGE = re.compile(r"In hand of the worker (.+) \(([0-9a-f]{8})\)", re.DOTALL)


class Owner(NamedTuple):
    """A worker, as a run's state names it; a worker that is started again under its name is another."""

    worker: str
    instance: str

    @classmethod
    def new(cls, worker: str) -> Self:
        """Return the owner that a worker of this name is from now on."""
        return cls(worker, uuid4().hex[:8])

    @classmethod
    def of(cls, state: State | None) -> Self | None:
        """Return the owner that a state names, if it names one."""
        found = _MESSAGE.fullmatch((state and state.message) or "")
        return cls(*found.groups()) if found else None

    @property
    def message(self) -> str:
        """The message of a state of a run that this worker has in hand."""
        return f"In hand of the worker {self.worker} ({self.instance})"
