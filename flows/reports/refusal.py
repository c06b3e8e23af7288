"""What cannot be done as it was asked for on a form: Completed, for nobody is to be called for a slip of the pen."""

from __future__ import annotations

from typing import Any

from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.errors import InvalidRequest

REFUSED = "Refused"


def refused(error: InvalidRequest) -> State[Any]:
    """Return the state of a run that did nothing: Completed by its type, Refused by its name."""
    return Completed(name=REFUSED, message=f"{error.code}: {error}")


def is_done(state: State[Any]) -> bool:
    """Return whether a run has done what was asked for."""
    return state.is_completed() and state.name != REFUSED
