"""What `interactions status` prints, for a person at 80 columns and as JSON; what cannot be read is a finding."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from rich.console import Console

from deployments.cli.__main__ import main
from deployments.status.finding import Finding, SourceStatus, Status
from deployments.status.output import print_status
from tests.support.commands import Ended, refused

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
NOWHERE = "http://127.0.0.1:9"
TABLES = {"INTERACTION_TABLE": "interactions", "QUARANTINE_TABLE": "quarantine"}
AWS = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_ENDPOINT_URL": NOWHERE,
}
Run = Callable[..., Ended]


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs `interactions status` with flags, variables and a Prefect that is down."""
    assert home.is_dir()

    def command(*flags: str, **variables: str) -> Ended:
        for name, value in {"COLUMNS": "80", **variables}.items():
            monkeypatch.setenv(name, value)
        given = {PREFECT_CLIENT_MAX_RETRIES: 0, PREFECT_API_URL: f"{NOWHERE}/api"}
        with temporary_settings(given), pytest.raises(SystemExit) as ended:
            main(["status", *flags])
        return Ended(int(str(ended.value.code)), "".join(capfd.readouterr()))

    return command


def printed(status: Status) -> list[str]:
    """Return the lines on a terminal of 80 columns."""
    out = io.StringIO()
    print_status(status, Console(file=out, width=80, highlight=False))
    return out.getvalue().splitlines()


def test_all_of_it_fits_80_columns() -> None:
    """No number, time or command is cut, and nothing is taken for markup."""
    since = NOW - timedelta(seconds=75)
    found = Finding("no-worker", "no worker polls pool [red]x[/red] :smile:", "`a command`", 12_345, since)
    later = Finding("budget-used", "all used", "nothing", level="watch")
    long = SourceStatus("reconcile", ["word " * 40], findings=[found, later])
    lines = printed(Status(NOW, [SourceStatus("buffer", ["12,345 messages; oldest 3 d 4 h"]), long]))
    text = "\n".join(lines)
    assert max(map(len, lines)) <= 80
    assert "…" not in text
    assert "12,345 messages; oldest 3 d 4 h" in text
    assert "since 2026-03-02 11:58:45 UTC, 1 min" in text
    assert "no-worker: no worker polls pool [red]x[/red] :smile:" in text
    assert text.index("no-worker") < text.index("budget-used")


def test_nothing_wrong_says_so() -> None:
    """The last line is the answer."""
    assert printed(Status(NOW, [SourceStatus("buffer", ["empty"])]))[-1] == "Nothing is wrong."


def test_an_outage_of_everything_is_findings(run: Run) -> None:
    """Prefect and AWS down: each is named once with what to do, without a traceback, and the exit code is 1."""
    ended = run(**TABLES, **AWS, BUFFER_QUEUE_URL=f"{NOWHERE}/1/buffer")
    assert ended.code == 1
    assert "Traceback" not in ended.said
    assert "prefect-unreachable: no answer from http://127.0.0.1:9/api" in ended.said
    assert "source-unreadable" in ended.said
    assert "DEAD_LETTER_QUEUE_URL is not set" in ended.said
    assert max(map(len, ended.said.splitlines())) <= 80


def test_json_has_the_same(run: Run) -> None:
    """A program reads code, symptom, count, since when, what to do."""
    ended = run("--json", **TABLES, **AWS)
    found = json.loads(ended.said)
    assert (ended.code, found["needsPerson"]) == (1, True)
    assert {"prefect-unreachable", "source-unreadable"} <= {each["code"] for each in found["findings"]}
    assert all(
        {"symptom", "count", "since", "next_step", "level"} <= each.keys() for each in found["findings"]
    )
    assert "interactions" in found["sources"]["deferred"]["error"]


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, ("INTERACTION_TABLE is not set", "QUARANTINE_TABLE is not set", ".sandbox/env")),
        (TABLES | AWS | {"AWS_ENDPOINT_URL": "x"}, ("AWS_ENDPOINT_URL is no http://",)),
        (TABLES | AWS | {"STATUS_MESSAGES": "many"}, ("STATUS_MESSAGES is not usable",)),
    ],
)
def test_settings_that_cannot_work_are_exit_code_2(
    run: Run, variables: dict[str, str], words: tuple[str, ...]
) -> None:
    """One line that names the variable; with --json the same as JSON."""
    ended = run(**variables)
    refused(ended, *words)
    assert len(ended.said.splitlines()) == 1
