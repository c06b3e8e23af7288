"""What the warm worker needs of Prefect beyond its documentation: names and parameters, checked before it starts.

A method that Prefect renames would not fail here, it would never be called: runs would have two heartbeats, or a
cancelled run would be reported as crashed. None of the names has a leading underscore.
"""

from __future__ import annotations

import inspect
import sys
from importlib.metadata import version
from operator import attrgetter
from typing import Any

from prefect.workers.base import BaseWorker

try:
    from prefect.context import AsyncClientContext, SyncClientContext
    from prefect.events.clients import get_events_subscriber
    from prefect.flow_engine import AsyncFlowRunEngine
    from prefect.utilities.engine import propose_state
except ImportError as error:  # the modules that use them can be imported, until check() names what is missing
    _missing = [str(error)]
    AsyncClientContext = SyncClientContext = AsyncFlowRunEngine = dict  # type: ignore[assignment, misc]  # as generic as the engine
    get_events_subscriber = propose_state = print  # type: ignore[assignment]
else:
    _missing = []

__all__ = [
    "AsyncClientContext",
    "AsyncFlowRunEngine",
    "BaseWorker",
    "SyncClientContext",
    "check",
    "get_events_subscriber",
    "propose_state",
]
MADE_FOR = "3.9.1"

_OVERRIDDEN = {  # Prefect calls them with these parameters and no others
    "BaseWorker.setup": "self",
    "BaseWorker.teardown": "self exc_info",
    "BaseWorker.sync_with_backend": "self",
    "BaseWorker.get_and_submit_flow_runs": "self",
    "BaseWorker.is_worker_still_polling": "self query_interval_seconds",
    "BaseWorker.run": "self flow_run configuration task_status",
    "AsyncFlowRunEngine.handle_crash": "self exc",
    "AsyncFlowRunEngine.set_state": "self state force",
    "AsyncFlowRunEngine.heartbeat_seconds": "self",
}
_CALLED = {  # with these parameters; more of them do no harm
    "BaseWorker.__init__": "work_pool_name work_queues limit",
    "BaseWorker.client": "self",
    "BaseWorker.limiter": "self",
    "BaseWorker.work_pool": "self",
    "AsyncFlowRunEngine.__init__": "flow flow_run parameters",
    "AsyncFlowRunEngine.start": "self",
    "AsyncFlowRunEngine.run_context": "self",
    "AsyncFlowRunEngine.call_flow_fn": "self",
    "AsyncFlowRunEngine.is_running": "self",
    "AsyncFlowRunEngine.call_hooks": "self state",
    "get_events_subscriber": "filter reconnection_attempts",
    "propose_state": "client state flow_run_id",
}


def check() -> None:
    """End the process with exit code 2 and one line on stderr when the installed Prefect differs."""
    if found := differences():
        line = f"the warm worker was made for Prefect {MADE_FOR}, this is {version('prefect')}: {'; '.join(found)}"
        sys.stderr.write(f"{line}. Install prefect=={MADE_FOR}, or use a process work pool.\n")
        raise SystemExit(2)


def differences() -> list[str]:
    """Return what the installed Prefect lacks, or takes with other parameters, each as a clause."""
    found = [_difference(name, needed.split(), exact=True) for name, needed in _OVERRIDDEN.items()]
    found += [_difference(name, needed.split(), exact=False) for name, needed in _CALLED.items()]
    return _missing or [each for each in found if each]


def _difference(name: str, needed: list[str], *, exact: bool) -> str | None:
    first, _, rest = name.partition(".")
    try:
        found: Any = attrgetter(rest)(globals()[first]) if rest else globals()[first]
    except AttributeError:
        return f"{name} is missing"
    given = list(inspect.signature(getattr(found, "fget", found)).parameters)
    fits = given == needed if exact else set(needed) <= set(given)
    return None if fits else f"{name} takes ({', '.join(given)}), not ({', '.join(needed)})"
