"""What starts a run from the command line: wrong input is one line and exit code 2, and nothing is started."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from deployments.cli.__main__ import main
from deployments.starting.start import MAX_INTERACTIONS, ids_in, replays
from tests.support.commands import Ended, refused

ONE, TWO, THREE = (str(uuid.uuid4()) for _ in range(3))
Run = Callable[..., Ended]


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs `interactions` with a Prefect server that is down, and text on standard input."""
    assert home.is_dir()

    def command(*words: str, stdin: str = "", **variables: str) -> Ended:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        given = {PREFECT_CLIENT_MAX_RETRIES: 0, PREFECT_API_URL: "http://127.0.0.1:9/api"}
        with temporary_settings(given), pytest.raises(SystemExit) as ended:
            main(list(words))
        return Ended(int(str(ended.value.code)), "".join(capfd.readouterr()))

    return command


def test_ids_come_from_words_a_file_and_standard_input(tmp_path: Path) -> None:
    """Parted by blanks, commas or lines, with comments; in the order given."""
    file = tmp_path / "ids"
    file.write_text(f"# of today\n{TWO},  # the second\n\n", encoding="utf-8")
    assert ids_in([ONE, "-"], file, [f"{THREE} {ONE}\n"]) == [ONE, THREE, ONE, TWO]


def test_a_replay_of_many_is_parted() -> None:
    """Prefect takes 512 KB of parameters; what is in quarantine is replayed once, force holds for all."""
    ids = [str(uuid.uuid4()) for _ in range(MAX_INTERACTIONS + 1)]
    first, second = replays(ids, quarantined="failed", force=True, dry_run=False, tolerated_failures=0.5)
    assert len(first["interaction_ids"]) == MAX_INTERACTIONS
    assert (first["quarantined"], first["force"]) == ("failed", True)
    assert second == {"interaction_ids": [ids[-1]], "force": True, "tolerated_failures": 0.5}


def test_a_replay_says_only_what_was_asked_for() -> None:
    """Defaults are the flow's own; an id is taken once, in lower case."""
    assert replays([ONE.upper(), ONE], quarantined="none", since=None, force=False) == [
        {"interaction_ids": [ONE]}
    ]
    assert replays([], quarantined="all") == [{"quarantined": "all"}]


@pytest.mark.parametrize(
    ("words", "stdin", "said"),
    [
        (("replay", ONE, "+15550100123"), "", ("no interaction id (a UUID", "at place 2")),
        (("replay", "-"), "nope", ("no interaction id", "at place 1")),
        (("replay",), "", ("nothing is asked for",)),
        (("replay", "-"), "", ("nothing is asked for",)),
        (("replay", ONE, "--since", "2026-01-01"), "", ("since and until",)),
        (("replay", "--file", "no/such/file"), "", ("--file no/such/file", "FileNotFoundError")),
        (("reconcile", "--end", "2026-01-01"), "", ("end needs a start",)),
        (("reconcile", "--start", "2026-01-02", "--end", "2026-01-01"), "", ("interval is empty",)),
        (("reconcile", "--start", "2026-01-01", "--last-days", "2"), "", ("exclude each other",)),
        (("reconcile", "--mode", "jobs"), "", ("name --start",)),
        (("trigger",), "", ("EVENT_BUS", ".sandbox/env", "interactions trigger ID")),
        (("trigger", "nope"), "", ("no interaction id", "at place 1")),
        (("replay", ONE), "", ("no answer from http://127.0.0.1:9/api",)),
        (("reconcile",), "", ("no answer from http://127.0.0.1:9/api",)),
        (("trigger", ONE), "", ("no answer from http://127.0.0.1:9/api",)),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(
    run: Run, words: tuple[str, ...], stdin: str, said: tuple[str, ...]
) -> None:
    """It names what is wrong by its place or flag: an id that is none may be a telephone number."""
    ended = run(*words, stdin=stdin)
    refused(ended, *said)
    assert len(ended.said.splitlines()) == 1
    assert "+1555" not in ended.said


@pytest.mark.parametrize(
    "words",
    [("trigger", "--count", "0"), ("reconcile", "--last-hours", "-3"), ("replay", "--quarantined", "x")],
)
def test_flags_out_of_bounds_are_refused(run: Run, words: tuple[str, ...]) -> None:
    """Before Prefect is asked, with the flag's name."""
    ended = run(*words)
    assert ended.code != 0
    assert words[1] in ended.said
    assert "no answer" not in ended.said


def test_a_sandbox_that_is_gone_is_one_line(run: Run) -> None:
    """The bus does not answer: the address's variable is named."""
    aws = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    bus = {"EVENT_BUS": "bus", "EVENT_SOURCE": "here", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    refused(run("trigger", **aws, **bus), "AWS_ENDPOINT_URL")
