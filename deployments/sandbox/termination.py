"""How a program of the sandbox ends that is told to, or that fails: what it started is stopped first."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.markup import escape

from deployments.sandbox.processes import SandboxError
from tasks.errors import PipelineError

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def exit_on_signals() -> Iterator[None]:
    """Exit with 128 + n on SIGINT, SIGTERM and SIGHUP, so that context managers stop the processes; print errors.

    SIGINT gets a handler too because a shell starts background commands with SIGINT ignored. Further signals are
    ignored: one that interrupts the stopping would leave processes behind.
    """

    def handle(number: int, _frame: FrameType | None) -> None:
        for each in _ENDING:
            signal.signal(each, signal.SIG_IGN)
        sys.exit(128 + number)

    for number in _ENDING:
        signal.signal(number, handle)
    try:
        yield
    except (SandboxError, PipelineError) as error:
        Console(stderr=True, emoji=False).print(
            f"[red]{type(error).__name__}[/red]: {escape(str(error))}", markup=True
        )
        sys.exit(1)
