"""Commands with bad input: exit code 2, a line that names what is wrong and the next step, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import boto3
import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from deployments.__main__ import main
from deployments.sandbox.__main__ import app as sandbox

ROOT = Path(__file__).parents[2]
NOBODY = "http://127.0.0.1:9/api"
ID = "7f3c0000-0000-4000-8000-000000000001"
OTHERS = (
    "AWS_",
    "INFRA_",
    "PREFECT_",
    "WORKER_",
    "INTERACTION_",
    "QUARANTINE_",
    "CONVERSATION_",
    "DEAD_LETTER_",
)
TABLES = {"INTERACTION_TABLE": "interactions", "QUARANTINE_TABLE": "quarantine"}
HERE = TABLES | {"AWS_DEFAULT_REGION": "us-east-1"}
KEY = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
BLOCK = {"AWS_CREDENTIALS_BLOCK": "aws-credentials/production"}


class Ended(NamedTuple):
    """How a command ended, and all that it said."""

    code: int
    said: str


Run = Callable[..., Ended]


def refused(ended: Ended, *words: str) -> None:
    """It ended with 2, said these words, and showed no traceback."""
    assert ended.code == 2, ended.said
    assert "Traceback" not in ended.said
    assert [each for each in words if each not in ended.said] == [], ended.said


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, in an environment that knows no AWS and no settings."""
    for name in list(os.environ):
        if name.startswith(OTHERS):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`python -m deployments` in this process, with a Prefect server's address, or none, and variables."""
    assert home.is_dir()

    def command(*words: str, server: str | None = NOBODY, **variables: str) -> Ended:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        given = {PREFECT_CLIENT_MAX_RETRIES: 0} | ({PREFECT_API_URL: server} if server else {})
        with (
            temporary_settings(given, restore_defaults={PREFECT_API_URL}),
            pytest.raises(SystemExit) as ended,
        ):
            main(list(words))
        return Ended(int(str(ended.value.code)), "".join(capfd.readouterr()))

    return command


def module(home: Path, *command: str, **variables: str) -> Ended:
    """Run a Python module's command, as a user does."""
    quiet = {
        "PREFECT_HOME": str(home),
        "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "DO_NOT_TRACK": "1",
    }
    done = subprocess.run(  # noqa: S603 - our own commands
        [sys.executable, "-m", *command],
        env=os.environ | quiet | {"PYTHONPATH": str(ROOT), "PREFECT_CLIENT_MAX_RETRIES": "0"} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return Ended(done.returncode, done.stdout)


def test_apply_starts_no_server_of_its_own(home: Path) -> None:
    """Without PREFECT_API_URL nothing is created anywhere; the next step is named."""
    ended = module(home, "deployments", "apply")
    refused(ended, "PREFECT_API_URL is not set", "prefect config set", ".sandbox/env")
    assert "created" not in ended.said


def test_a_profile_names_the_server_as_well(home: Path) -> None:
    """What `prefect config set` wrote counts as set."""
    profile = f'active = "ours"\n[profiles.ours]\nPREFECT_API_URL = "{NOBODY}"\n'
    (home / "profiles.toml").write_text(profile, encoding="utf-8")
    refused(module(home, "deployments", "apply"), f"no answer from {NOBODY}")


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (None, "PREFECT_API_URL is not set"),
        ("garbage", "PREFECT_API_URL is no http:// or https:// address"),
        ("http://127.0.0.1:99999/api", "PREFECT_API_URL is no http:// or https:// address"),
        (NOBODY, f"no answer from {NOBODY}: ConnectError; is the server up, the address right"),
        ("http://user:word@127.0.0.1:9/api", f"no answer from {NOBODY}: ConnectError"),
    ],
)
def test_apply_needs_a_server(run: Run, server: str | None, words: str) -> None:
    """One that is not named, wrongly named or down is told in a line, without a password."""
    refused(run("apply", server=server), words)


@pytest.mark.parametrize(
    ("flags", "variables", "words"),
    [
        (("--lost-after", "-5"), {}, ("--lost-after is -5", "above 60", "WORKER_HEARTBEAT_SECONDS")),
        (("--lost-after", "60"), {}, ("--lost-after", "above 60")),
        (("--lost-after", "nan"), {}, ("--lost-after", "above 60")),
        ((), {"WORKER_HEARTBEAT_SECONDS": "45"}, ("--lost-after", "above 90")),
        ((), {"WORKER_HEARTBEAT_SECONDS": "often"}, ("WORKER_HEARTBEAT_SECONDS",)),
        (("--stuck-after", "0"), {}, ("--stuck-after is 0", "above 0")),
        (("--stuck-after", "inf"), {}, ("--stuck-after", "a week")),
        (("--crashed-after", "-1"), {}, ("--crashed-after", "above 0")),
        (("--notify", "foo"), {}, ("--notify", "slack-webhook/operations")),
    ],
)
def test_apply_refuses_what_would_not_work(
    run: Run, flags: tuple[str, ...], variables: dict[str, str], words: tuple[str, ...]
) -> None:
    """Within two heartbeats healthy runs would be lost; no time is no time; a block has a type and a name."""
    refused(run("apply", *flags, **variables), *words)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (TABLES | KEY, ("no AWS region", "AWS_DEFAULT_REGION")),
        (HERE, ("no AWS credentials", "AWS_ACCESS_KEY_ID", "AWS_PROFILE")),
        (HERE | {"AWS_PROFILE": "nope"}, ("nope", "AWS_PROFILE names the profile")),
        (HERE | KEY | {"AWS_ENDPOINT_URL": "x"}, ("AWS_ENDPOINT_URL is no http://",)),
        (HERE | KEY | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, ("127.0.0.1:9", "AWS_ENDPOINT_URL")),
        (
            HERE | KEY | {"INTERACTION_TABLE": "bad name!"},
            ("INTERACTION_TABLE is no table's name", "3 to 255"),
        ),
        (HERE | KEY | {"QUARANTINE_TABLE": ""}, ("QUARANTINE_TABLE is not set",)),
        (HERE | KEY | BLOCK, ("AWS_CREDENTIALS_BLOCK", "PREFECT_API_URL is not set")),
    ],
)
def test_inspect_names_what_it_lacks(run: Run, variables: dict[str, str], words: tuple[str, ...]) -> None:
    """Region, credentials, profile, address, a table's name: what could not be looked for is no unknown."""
    refused(run("inspect", ID, server=None, **variables), *words)


@pytest.mark.parametrize(
    "words", [("demo", "--events", "-3"), ("demo", "--events", "0"), ("up", "--workers", "0")]
)
def test_the_sandbox_starts_nothing_for_nothing(
    home: Path, capfd: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    """Fewer than one event or worker is refused before anything is started."""
    with pytest.raises(SystemExit) as ended:
        sandbox(list(words))
    refused(Ended(int(str(ended.value.code)), "".join(capfd.readouterr())), words[1], "Must be >= 1")
    assert not (home / ".sandbox").exists()


@pytest.mark.parametrize("name", ["deployments", "deployments.sandbox"])
def test_the_version_is_the_packages(home: Path, name: str) -> None:
    """--version prints what is installed."""
    assert module(home, name, "--version") == (0, version("interactions") + "\n")
