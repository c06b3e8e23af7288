"""`make demo` and `make sandbox` as commands: what they print, that they end, that nothing stays behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deployments.sandbox import servers
from deployments.sandbox.processes import Child, left_behind, note

LAST_LINE = re.compile(r"25 saved, 0 unchanged, 0 deferred, 0 rejected, 0 failed in \d+\.\d s")


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a sandbox command with a folder as its home."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "AWS_"))}
    return subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "deployments.sandbox", *arguments],
        env=environment | {"PYTHONPATH": str(servers.ROOT), "COLUMNS": "160"},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def processes_in(folder: Path) -> list[str]:
    """The command lines of processes that have a file of the folder open, as each has its log."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            opened = [str(number.readlink()) for number in (entry / "fd").iterdir()]
        except OSError:
            continue
        if any(name.startswith(str(folder)) for name in opened):
            found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found


def test_a_sandbox_is_up_once_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """It writes `.sandbox/env`, refuses a second one by the first one's pid, and ends with all its processes."""
    first = start(tmp_path, "up")
    env = tmp_path / ".sandbox/env"
    try:
        deadline = time.monotonic() + 150
        while not env.exists() and first.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
        names = {line.split("=")[0] for line in env.read_text().splitlines()}
        assert {
            "PREFECT_API_URL",
            "EVENT_BUS",
            "EVENT_SOURCE",
            "DEAD_LETTER_QUEUE_URL",
            "GENESYS_CLIENT_SECRET",
        } <= names
        second = start(tmp_path, "up")
        output, _ = second.communicate(timeout=60)
        assert second.returncode == 1
        assert str(first.pid) in output
    finally:
        first.send_signal(signal.SIGINT)
        output, _ = first.communicate(timeout=90)
    assert "Prefect UI: http://127.0.0.1:" in output
    assert not env.exists()
    assert processes_in(tmp_path) == []


def test_what_a_killed_sandbox_left_behind_is_named(tmp_path: Path) -> None:
    """The next one says what still runs of the one before and how to end it; a stranger's process is not named."""
    code = "import sys, time; print('up', flush=True); time.sleep(60)"
    left = Child(
        "emulator", [sys.executable, "-c", code, "deployments.sandbox"], os.environ, tmp_path / "log"
    )
    stranger = Child("worker 1", [sys.executable, "-c", code], os.environ, tmp_path / "log")
    try:
        for child in (left, stranger):
            note(tmp_path / "pids", child)
        assert left_behind(tmp_path / "pids") == {left.pid: "emulator"}
        (tmp_path / ".sandbox/run").mkdir(parents=True)
        (tmp_path / "pids").rename(tmp_path / ".sandbox/run/pids")
        sandbox = start(tmp_path, "up")
        assert sandbox.stdout is not None
        said = sandbox.stdout.readline() + sandbox.stdout.readline()
        sandbox.send_signal(signal.SIGTERM)
        sandbox.communicate(timeout=120)
    finally:
        left.stop()
        stranger.stop()
    assert f"emulator (process {left.pid}).\nTo end it: kill -- -{left.pid}\n" in said
    assert left_behind(tmp_path / ".sandbox/run/pids") == {}


@pytest.mark.long
@pytest.mark.timeout(400)
def test_two_demonstrations_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Both save their 25 events, exit 0, say so in their last line, and leave nothing behind."""
    demos = [start(tmp_path, "demo") for _ in range(2)]
    outputs = [demo.communicate(timeout=350)[0] for demo in demos]
    for demo, output in zip(demos, outputs, strict=True):
        assert demo.returncode == 0, output
        lines = output.strip().splitlines()
        assert LAST_LINE.fullmatch(lines[-1])
        assert [line for line in lines if "127.0.0.1" in line][-1].startswith(
            "Runs and their artifacts, while it runs"
        )
    assert processes_in(tmp_path) == []


@pytest.mark.timeout(200)
def test_a_failure_at_the_start_stops_what_did_start(tmp_path: Path) -> None:
    """Ended in the middle of starting, it takes every process with it."""
    sandbox = start(tmp_path, "up")
    folder = tmp_path / ".sandbox/run"
    deadline = time.monotonic() + 60
    while not (folder / "logs/genesys.log").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    sandbox.send_signal(signal.SIGTERM)
    sandbox.communicate(timeout=120)
    assert sandbox.returncode == 128 + signal.SIGTERM
    assert processes_in(tmp_path) == []
