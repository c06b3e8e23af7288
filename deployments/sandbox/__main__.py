"""`python -m deployments.sandbox up` runs a sandbox until Ctrl-C; `put` puts events on its bus.

`incident` plays an incident in it, which `recover` ends.
`demo` sends events through a sandbox of its own and stops it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import boto3
from cyclopts import App, Parameter, validators
from rich.console import Console

from deployments.sample_events import customer_end, put_events
from deployments.sandbox.cluster import Cluster
from deployments.sandbox.demo import run_demo, run_tour
from deployments.sandbox.incidents import Incident, IncidentPlayer
from deployments.sandbox.processes import SandboxError, running_orphans
from deployments.sandbox.sandbox import PIDS, Sandbox
from deployments.sandbox.servers import can_publish
from deployments.sandbox.termination import exit_on_signals
from deployments.sandbox.tour import ENVIRONMENT as TOUR_ENVIRONMENT

FOLDER = Path(".sandbox")
Count = Annotated[int, Parameter(validator=validators.Number(gte=1))]
app = App(name="sandbox", help=__doc__, version=partial(version, "interactions"))


@app.command
def up(*, folder: Path = FOLDER, workers: Count | None = None, cluster: bool = False) -> int:
    """Start a sandbox, write FOLDER/env, and keep it up until Ctrl-C.

    Args:
        folder: The folder of its files.
        workers: The number of workers; without it 1, in a cluster 2.
        cluster: Whether Prefect's server is a cluster: two API servers, services apart, Postgres, Redis, HAProxy.
    """
    console = Console(emoji=False)
    with exit_on_signals(), _folder_lock(folder, console) as acquired:
        if not acquired:
            return 1
        with _sandbox(folder / "run", console, workers, cluster=cluster) as sandbox:
            sandbox.addresses.write(folder / "env")
            console.print(f"\nPrefect UI: [bold]{sandbox.ui_url}[/bold]")
            console.print(
                f"In another shell: [bold]{_shell_command(folder)}[/bold]\nCtrl-C ends it.", soft_wrap=True
            )
            _watch(sandbox)
    return 0


@app.command
def demo(*, events: Count = 25, tour: bool = False) -> int:
    """Send events through a new sandbox, print their outcomes, and stop it.

    Args:
        events: The number of events.
        tour: Whether to add a wrong event, one that comes twice, one that settles late, and a question in SQL.
    """
    console = Console(emoji=False)
    if tour and not can_publish():
        Console(stderr=True, emoji=False).print(
            "the tour asks in SQL: `pip install .[analytics]`, or `make demo TOUR=1`"
        )
        return 2
    folder = FOLDER / f"demo-{os.getpid()}"
    environment = TOUR_ENVIRONMENT if tour else {}
    with exit_on_signals(), _sandbox(folder, console, environment=environment) as sandbox:
        ended_well = (run_tour if tour else run_demo)(sandbox, console, events)
    if ended_well:
        shutil.rmtree(folder, ignore_errors=True)
        return 0
    console.print(f"[red]Not everything ended as it should; the logs are in {folder / 'logs'}[/red]")
    return 1


@app.command
def put(*, events: Count = 1) -> int:
    """Put ends of new conversations on the bus of a running sandbox, and print their interactionIds.

    Args:
        events: The number of events.
    """
    bus, source = os.environ.get("EVENT_BUS"), os.environ.get("EVENT_SOURCE")
    if not (bus and source):
        Console(stderr=True, emoji=False).print(
            "EVENT_BUS or EVENT_SOURCE is not set: `set -a; . .sandbox/env; set +a`"
        )
        return 2
    ids = [str(uuid.uuid4()) for _ in range(events)]
    put_events(boto3.client("events"), bus, [customer_end(id_, source) for id_ in ids])
    print(*ids, sep="\n")  # for a shell: ID=$(...)
    return 0


@app.command
def incident(name: Incident, /, *, events: Count = 5, folder: Path = FOLDER) -> int:
    """Play an incident in a running sandbox: Genesys answers 429 or 403, a worker is frozen, and so on.

    Args:
        name: Which one.
        events: The number of events that are sent into it.
        folder: The sandbox's folder.
    """
    with exit_on_signals():
        ids = IncidentPlayer(folder, folder / "run" / PIDS).play(name, events)
        print(*ids, sep="\n")  # for a shell, as those of `put`
        Console(stderr=True, emoji=False).print(
            f"{name} since now, with {len(ids)} events. See it: [bold]interactions status[/bold]\n"
            "End it: [bold]python -m deployments.sandbox recover[/bold]",
            highlight=False,
            soft_wrap=True,
        )
    return 0


@app.command
def recover(*, folder: Path = FOLDER) -> int:
    """End every incident that was played in a running sandbox, and let its events go on.

    Args:
        folder: The sandbox's folder.
    """
    with exit_on_signals():
        played = IncidentPlayer(folder, folder / "run" / PIDS).recover()
        Console(stderr=True, emoji=False).print(f"over; {len(played.interactions)} events go on")
    return 0


def _sandbox(
    folder: Path,
    console: Console,
    workers: int | None = None,
    *,
    cluster: bool = False,
    environment: dict[str, str] | None = None,
) -> Sandbox:
    database_url = os.environ.get("PREFECT_API_DATABASE_CONNECTION_URL", "")
    kind = Cluster if cluster else Sandbox
    given: dict[str, Any] = {"environment": environment} | ({} if workers is None else {"workers": workers})
    return kind(folder, progress=console.print, database_url=database_url, **given)


def _shell_command(folder: Path) -> str:
    """The command for another shell: activate this virtual environment, if it is one, and set the addresses."""
    activate = f". {os.path.relpath(sys.prefix)}/bin/activate; " if sys.prefix != sys.base_prefix else ""
    return f"{activate}set -a; . {folder / 'env'}; set +a"


def _watch(sandbox: Sandbox) -> None:
    """Wait for ever. Raises SandboxError when a child process ends."""
    while True:
        for child in sandbox.children.values():
            if not child.alive():
                raise SandboxError(f"{child.name} ended with {child.process.returncode}:\n{child.tail()}")
        time.sleep(1)


def _print_orphans(orphans: dict[int, str], console: Console) -> None:
    if orphans:
        names = ", ".join(f"{name} (process {pid})" for pid, name in orphans.items())
        groups = " ".join(f"-{pid}" for pid in orphans)
        console.print(
            f"[yellow]The previous sandbox was killed; these processes still run: {names}.[/yellow]\n"
            f"To stop them: kill -- {groups}",
            highlight=False,
            soft_wrap=True,
        )


@contextmanager
def _folder_lock(folder: Path, console: Console) -> Iterator[bool]:
    """Hold the folder's lock; yield False, after printing the process id, if another sandbox has it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "pid").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            pid = lock.read().strip()
            console.print(f"A sandbox is already running in {folder}, process {pid}: stop it first.")
            yield False
            return
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        _print_orphans(running_orphans(folder / "run" / PIDS), console)
        shutil.rmtree(folder / "run", ignore_errors=True)
        try:
            yield True
        finally:
            (folder / "env").unlink(missing_ok=True)
            lock.truncate(0)


if __name__ == "__main__":
    sys.exit(app())
