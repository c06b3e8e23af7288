"""Commands as forks of a Python that has its imports already: each is a process like one of a shell."""

from __future__ import annotations

import os

from tests.support.prefect_server import ROOT
from tests.support.preloaded import Forked, run_python

SLEEP = ["-c", "import time; time.sleep(600)"]


def test_a_command_reads_and_writes_and_ends_as_in_a_shell() -> None:
    """Its standard streams and its exit code are its own; what it raises is a traceback."""
    code = "import sys; print(sys.stdin.read(), sys.argv[1:]); sys.exit('no')"
    done = run_python("-c", code, "a word", environment={}, stdin="given")
    assert (done.returncode, done.stdout, done.stderr) == (1, "given ['a word']\n", "no\n")
    failed = run_python("-c", "1 / 0", environment={})
    assert failed.returncode == 1
    assert failed.stderr.endswith("ZeroDivisionError: division by zero\n")


def test_a_command_has_its_own_environment_and_prefects_settings_from_it() -> None:
    """Nothing is left of the process that forked, nor of an earlier command."""
    code = "import os; from prefect.settings import get_current_settings as s; print(dict(os.environ), s().api.url)"
    for url in ("http://127.0.0.1:9/api", "http://127.0.0.1:10/api"):
        known = {"PREFECT_API_URL": url, "PREFECT_HOME": os.environ["HOME"], "GONE": None}
        told = {name: value for name, value in known.items() if value}
        assert run_python("-c", code, environment=known).stdout == f"{told} {url}\n"


def test_a_process_that_is_stopped_says_by_what() -> None:
    """It runs until then, at the head of a process group; a second look says the same."""
    with open(os.devnull, "r+b") as nothing:  # noqa: PTH123 - as a file of bytes
        process = Forked(SLEEP, {}, ROOT, [nothing] * 3)
    assert process.poll() is None
    assert os.getpgid(process.pid) == process.pid
    process.kill()
    assert process.wait(60) == process.poll() == -9


def test_no_command_meets_what_another_has_changed() -> None:
    """A module has the contents that it was imported with."""
    code = "import prefect; print(hasattr(prefect, 'touched')); prefect.touched = True"
    for _ in range(2):
        assert run_python("-c", code, environment={}).stdout == "False\n"


def test_a_server_reads_the_intervals_of_its_services_itself() -> None:
    """Prefect reads them as it imports the services, hence none of these is imported before the fork."""
    code = (
        "import sys; print([m for m in sys.modules if m.startswith('prefect.server.') and '.services' in m])"
    )
    assert run_python("-c", code, environment={}).stdout == "[]\n"
