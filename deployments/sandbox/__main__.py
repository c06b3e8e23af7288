"""`python -m deployments.sandbox up` keeps a sandbox until Ctrl-C; `demo` sends events through one and ends it."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Annotated

from cyclopts import App, Parameter, validators
from rich.console import Console

from deployments.sandbox.demo import demo as run_demo
from deployments.sandbox.processes import SandboxError, left_behind
from deployments.sandbox.stack import PIDS, Sandbox
from tasks.errors import PipelineError

FOLDER = Path(".sandbox")
Count = Annotated[int, Parameter(validator=validators.Number(gte=1))]
app = App(name="sandbox", help=__doc__, version=partial(version, "interactions"))


@app.command
def up(*, folder: Path = FOLDER, workers: Count = 1) -> int:
    """Start a sandbox, write FOLDER/env, and keep it up until Ctrl-C.

    Args:
        folder: Where it lives.
        workers: How many workers it has.
    """
    console = Console()
    with ending_cleanly(), _only_one(folder, console) as free:
        if not free:
            return 1
        with Sandbox(folder / "run", progress=console.print, workers=workers) as sandbox:
            sandbox.addresses.write(folder / "env")
            console.print(f"\nPrefect UI: [bold]{sandbox.ui_url}[/bold]")
            console.print(
                f"In another shell: [bold]{_way_in(folder)}[/bold]\nCtrl-C ends it.", soft_wrap=True
            )
            _watch(sandbox)
    return 0


@app.command
def demo(*, events: Count = 25) -> int:
    """Send events through a sandbox of their own, print what became of them, and stop it.

    Args:
        events: How many.
    """
    console = Console()
    folder = FOLDER / f"demo-{os.getpid()}"
    with ending_cleanly(), Sandbox(folder, progress=console.print) as sandbox:
        saved = run_demo(sandbox, console, events)
    if saved:
        shutil.rmtree(folder, ignore_errors=True)
        return 0
    console.print(f"[red]Not every event was saved; the logs are in {folder / 'logs'}[/red]")
    return 1


def _way_in(folder: Path) -> str:
    """What to type in another shell: this Python's environment, if it has one of its own, and the addresses."""
    activate = f". {os.path.relpath(sys.prefix)}/bin/activate; " if sys.prefix != sys.base_prefix else ""
    return f"{activate}set -a; . {folder / 'env'}; set +a"


def _watch(sandbox: Sandbox) -> None:
    """Wait; a process that dies ends the sandbox, loudly."""
    while True:
        for child in sandbox.children.values():
            if not child.alive():
                raise SandboxError(f"{child.name} ended with {child.process.returncode}:\n{child.tail()}")
        time.sleep(1)


@contextmanager
def ending_cleanly() -> Iterator[None]:
    """Turn a signal into an exit that stops every process; show errors without a traceback.

    SIGINT too: a shell starts what runs in the background with SIGINT ignored.
    """

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    try:
        yield
    except (SandboxError, PipelineError) as error:
        Console(stderr=True).print(f"[red]{type(error).__name__}[/red]: {error}", markup=True)
        sys.exit(1)


def _tell_of(left: dict[int, str], console: Console) -> None:
    if left:
        names = ", ".join(f"{name} (process {pid})" for pid, name in left.items())
        groups = " ".join(f"-{pid}" for pid in left)
        console.print(
            f"[yellow]The sandbox before was killed, and this still runs: {names}.[/yellow]\n"
            f"To end it: kill -- {groups}",
            highlight=False,
            soft_wrap=True,
        )


@contextmanager
def _only_one(folder: Path, console: Console) -> Iterator[bool]:
    """Hold the folder's lock; False when another sandbox has it, after saying which."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "pid").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            pid = lock.read().strip()
            console.print(f"A sandbox is up in {folder} already, process {pid}: end that one first.")
            yield False
            return
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        _tell_of(left_behind(folder / "run" / PIDS), console)
        shutil.rmtree(folder / "run", ignore_errors=True)
        try:
            yield True
        finally:
            (folder / "env").unlink(missing_ok=True)
            lock.truncate(0)


if __name__ == "__main__":
    sys.exit(app())
