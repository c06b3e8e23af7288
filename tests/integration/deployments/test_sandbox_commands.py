"""The commands of `make demo` and `make sandbox`: their output, their exit codes, and that no process is left."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from boto3.dynamodb.types import TypeDeserializer

from deployments.sandbox import servers
from deployments.sandbox.processes import Child, record_pid, running_orphans

LAST_LINE = re.compile(r"25 saved, 0 unchanged, 0 deferred, 0 rejected, 0 failed in \d+\.\d s")


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a sandbox command in a folder."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "AWS_"))}
    return subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "deployments.sandbox", *arguments],
        env=environment | {"PYTHONPATH": str(servers.ROOT), "COLUMNS": "160"},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def is_whole(env: Path) -> bool:
    """Return whether the file is written to its end."""
    return env.exists() and env.read_text().endswith("\n")


def processes_in(folder: Path) -> list[str]:
    """The command lines of the processes that have a file of the folder open; each child has its log."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            opened = [str(number.readlink()) for number in (entry / "fd").iterdir()]
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if any(name.startswith(str(folder)) for name in opened):
            found.append(command)
    return found


def test_a_sandbox_runs_once_and_leaves_no_process(tmp_path: Path) -> None:
    """It writes `.sandbox/env`; a second one names the first one's pid and exits 1; SIGINT stops all processes."""
    first = start(tmp_path, "up")
    env = tmp_path / ".sandbox/env"
    try:
        deadline = time.monotonic() + 300
        while not is_whole(env) and first.poll() is None and time.monotonic() < deadline:
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
        output, _ = second.communicate(timeout=180)
        assert second.returncode == 1
        assert str(first.pid) in output
    finally:
        first.send_signal(signal.SIGINT)
        output, _ = first.communicate(timeout=180)
    assert "Prefect UI: http://127.0.0.1:" in output
    assert not env.exists()
    assert processes_in(tmp_path) == []


def test_orphans_of_a_killed_sandbox_are_named(tmp_path: Path) -> None:
    """The next sandbox names the processes that still run and how to stop them; no other program's process."""
    code = "import sys, time; print('up', flush=True); time.sleep(600)"
    orphan = Child(
        "emulator", [sys.executable, "-c", code, "deployments.sandbox"], os.environ, tmp_path / "log"
    )
    other = Child("worker 1", [sys.executable, "-c", code], os.environ, tmp_path / "log")
    try:
        for child in (orphan, other):
            record_pid(tmp_path / "pids", child)
        assert running_orphans(tmp_path / "pids") == {orphan.pid: "emulator"}
        (tmp_path / ".sandbox/run").mkdir(parents=True)
        (tmp_path / "pids").rename(tmp_path / ".sandbox/run/pids")
        sandbox = start(tmp_path, "up")
        assert sandbox.stdout is not None
        said = sandbox.stdout.readline() + sandbox.stdout.readline()
        sandbox.send_signal(signal.SIGTERM)
        sandbox.communicate(timeout=180)
    finally:
        orphan.stop()
        other.stop()
    assert f"emulator (process {orphan.pid}).\nTo stop them: kill -- -{orphan.pid}\n" in said
    assert running_orphans(tmp_path / ".sandbox/run/pids") == {}


@pytest.mark.long
@pytest.mark.timeout(400)
def test_two_demos_run_at_once(tmp_path: Path) -> None:
    """Both save their 25 events, say so in their last line, exit 0, and leave no process."""
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


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_tour_explains_what_is_no_ordinary_event(tmp_path: Path) -> None:
    """A wrong event, one that comes twice and a late one each end as told and count once; SQL answers; nothing is left.

    The record that it prints is the row that the table has while it is printed.
    """
    with start(tmp_path, "demo", "--events", "3", "--tour") as tour:
        try:
            assert tour.stdout is not None
            said = iter(tour.stdout)
            before = list(itertools.takewhile(lambda line: not line.startswith("One whole record"), said))
            shown = json.loads("".join([*itertools.takewhile(lambda line: line != "}\n", said), "}"]))
            stored = row_in_table(tmp_path / f".sandbox/demo-{tour.pid}", shown["interactionId"])
            after = tour.stdout.read()
            tour.wait(90)
        finally:
            tour.terminate()
    assert tour.returncode == 0, "".join(before) + after
    assert shown == stored
    assert (shown["settled"], shown["attempt"]) == (True, 2)

    told = [line.split()[:2] for line in before]
    outcomes = [words[0] for words in told if words and words[0] in OUTCOMES]
    assert outcomes == ["rejected", "unchanged", "deferred", "saved"]
    assert "malformed-conversation-id" in "".join(before)
    assert ["deferred", shown["interactionId"]] in told

    rows = [re.findall(r"[\w.-]+", line) for line in after.splitlines() if line.startswith("│")]
    assert sum(int(number) for _, number, _ in rows) == 5
    assert 'interactions sql "select ' in after
    assert "make sandbox" in after
    last = after.strip().splitlines()[-1]
    assert re.fullmatch(r"5 saved, 1 unchanged, 0 deferred, 1 rejected, 0 failed in \d+\.\d s", last)
    assert processes_in(tmp_path) == []


OUTCOMES = ("saved", "unchanged", "deferred", "rejected", "failed")


def row_in_table(folder: Path, interaction_id: str) -> dict[str, Any]:
    """Return an interaction's row out of a running sandbox's emulator, as plain values; sets as sorted lists."""
    client = boto3.client(
        "dynamodb",
        endpoint_url=f"http://127.0.0.1:{emulator_port(folder)}",
        aws_access_key_id=servers.AWS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=servers.AWS["AWS_SECRET_ACCESS_KEY"],
        region_name=servers.AWS["AWS_DEFAULT_REGION"],
    )
    (table,) = [name for name in client.list_tables()["TableNames"] if "Interaction" in name]
    item = client.get_item(TableName=table, Key={"interactionId": {"S": interaction_id}})["Item"]
    return {name: plain(TypeDeserializer().deserialize(value)) for name, value in item.items()}


def emulator_port(folder: Path) -> str:
    """Return the port that a sandbox's emulator was told to listen on."""
    started = [line.split(" ", 1) for line in (folder / "pids").read_text().splitlines()]
    (pid,) = [pid for pid, name in started if name == "emulator"]
    environment = Path(f"/proc/{pid}/environ").read_text().split("\0")
    (port,) = [each.partition("=")[2] for each in environment if each.startswith("GATEWAY_PORT=")]
    return port


def plain(value: Any) -> Any:
    """Return a value of DynamoDB as JSON has it."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list | set):
        return [plain(each) for each in (sorted(value) if isinstance(value, set) else value)]
    return float(value) if isinstance(value, Decimal) else value


@pytest.mark.timeout(200)
def test_sigterm_during_the_start_stops_what_was_started(tmp_path: Path) -> None:
    """The exit code is 128 + 15 and no process is left."""
    sandbox = start(tmp_path, "up")
    folder = tmp_path / ".sandbox/run"
    deadline = time.monotonic() + 180
    while not (folder / "logs/genesys.log").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    sandbox.send_signal(signal.SIGTERM)
    sandbox.communicate(timeout=180)
    assert sandbox.returncode == 128 + signal.SIGTERM
    assert processes_in(tmp_path) == []
