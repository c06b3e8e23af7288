"""Python that has imported what every command imports, and forks for each: an import of Prefect takes 1.3 s of CPU.

`python -m tests.support.preloaded_process FD` reads requests from a socket and ends when it is closed. A fork has the
environment, folder, arguments and files of its request, reads Prefect's settings anew, and executes `-m MODULE` or
`-c CODE` as Python would. `tests/support/preloaded.py` is its client.
"""

from __future__ import annotations

import atexit
import gc
import json
import logging
import os
import runpy
import signal
import socket
import sys
import threading
import traceback
from contextlib import suppress
from importlib import import_module
from typing import Any

HEAD_BYTES = 8
NUMBER_BYTES = 9
FILES = 4  # standard input, output and error, and where the exit code is told
MODULES = (
    "alembic.command",
    "deployments.apply",
    "deployments.cli.apply",
    "deployments.cli.infrastructure",
    "deployments.cli.inspect",
    "deployments.cli.run",
    "deployments.cli.sql",
    "deployments.cli.starting",
    "deployments.cli.status",
    "deployments.cli.subjects",
    "deployments.inspect.output",
    "deployments.sample_events",
    "deployments.status.output",
    "deployments.subjects.output",
    "deployments.worker.worker",
    "docket",
    "flows.erase_interactions",
    "flows.process_interactions",
    "flows.publish_interactions",
    "flows.reconcile_interactions",
    "flows.refresh_directory",
    "flows.replay_interactions",
    "infra.cli",
    "prefect.cli.deploy",
    "prefect.cli.deployment",
    "prefect.cli.global_concurrency_limit",
    "prefect.cli.server",
    "prefect.cli.worker",
    "prefect.server.database",
    "prefect.server.models",
    "prefect.workers.process",
    "uvicorn",
)
"""Not among them are the services of Prefect's server, which read their intervals when they are imported."""


def main() -> None:
    """Import everything, then fork for each request."""
    for name in MODULES:
        import_module(name)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    with socket.socket(fileno=int(sys.argv[1])) as control:
        while received := _request(control):
            request, files = received
            if os.fork() == 0:
                control.close()
                _serve(request, files)
            for file in files:
                os.close(file)


def _request(control: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Return the next request and its files, None at the end."""
    head, files, _, _ = socket.recv_fds(control, HEAD_BYTES, FILES)
    if not head:
        return None
    body = control.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
    return json.loads(body), files


def _serve(request: dict[str, Any], files: list[int]) -> None:
    """Execute a request in a process of its own; tell its process id and how it ended. Does not return."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    told = files.pop()
    child = os.fork()
    if child == 0:
        os.setsid()
        _tell(told, os.getpid())
        os.close(told)
        _execute(request, files)
    for file in files:
        os.close(file)
    _, status = os.waitpid(child, 0)
    _tell(told, os.waitstatus_to_exitcode(status))
    os._exit(0)


def _tell(told: int, number: int) -> None:
    """Write a number to the one who asked, who may be gone."""
    with suppress(BrokenPipeError):
        os.write(told, f"{number:{NUMBER_BYTES}}".encode())


def _execute(request: dict[str, Any], files: list[int]) -> None:
    """Become the command; ends as Python does."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.path[0] = request["folder"]
    code = 1
    try:
        _read_settings()
        _run(request["words"])
        code = 0
    except SystemExit as stopped:
        code = _exit_code(stopped)
    except BaseException:  # noqa: BLE001 - as the interpreter prints it
        traceback.print_exc()
    finally:
        _end(code)


def _read_settings() -> None:
    from prefect.context import refresh_global_settings_context  # noqa: PLC0415 - imported before the fork
    from prefect.logging.configuration import setup_logging  # noqa: PLC0415 - the same

    refresh_global_settings_context()
    setup_logging(incremental=False)


def _run(words: list[str]) -> None:
    """Execute `-m MODULE` or `-c CODE`, with arguments."""
    option, what, *arguments = words
    sys.argv = [what if option == "-m" else option, *arguments]
    if option == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 - a test's own code


def _exit_code(stopped: SystemExit) -> int:
    if stopped.code is None or isinstance(stopped.code, int):
        return stopped.code or 0
    print(stopped.code, file=sys.stderr)  # noqa: T201 - as the interpreter does
    return 1


def _end(code: int) -> None:
    """Do what Python does at its end."""
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - waits for the threads
    atexit._run_exitfuncs()  # noqa: SLF001
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
