"""Commands with bad input: exit code 2, one line that names what is wrong and the next step, no traceback."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from deployments.__main__ import main
from deployments.cli.__main__ import app as interactions
from deployments.cli.__main__ import main as console_script
from deployments.sandbox.__main__ import app as sandbox
from infra.cli import app as infra
from tests.support.commands import ROOT, Ended, refused

UNREACHABLE = "http://127.0.0.1:9/api"
ID = "7f3c0000-0000-4000-8000-000000000001"
TABLES = {"INTERACTION_TABLE": "interactions", "QUARANTINE_TABLE": "quarantine"}
HERE = TABLES | {"AWS_DEFAULT_REGION": "us-east-1"}
KEY = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
PHONE = "+15550100001"
KEYS = KEY | {"CUSTOMER_KEYS_SECRET": "x" * 32}
BLOCK = {"AWS_CREDENTIALS_BLOCK": "aws-credentials/production"}


Entry = Callable[[list[str]], None]
Run = Callable[..., Ended]


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command in this process, with a server's address (or None) and variables."""
    assert home.is_dir()

    def command(
        *words: str, server: str | None = UNREACHABLE, entry: Entry = main, **variables: str
    ) -> Ended:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        given = {PREFECT_CLIENT_MAX_RETRIES: 0} | ({PREFECT_API_URL: server} if server else {})
        with (
            temporary_settings(given, restore_defaults={PREFECT_API_URL}),
            pytest.raises(SystemExit) as ended,
        ):
            entry(list(words))
        return Ended(int(str(ended.value.code)), "".join(capfd.readouterr()))

    return command


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (None, "PREFECT_API_URL is not set"),
        ("garbage", "PREFECT_API_URL is no http:// or https:// address"),
        ("http://127.0.0.1:99999/api", "PREFECT_API_URL is no http:// or https:// address"),
        (UNREACHABLE, f"no answer from {UNREACHABLE}: ConnectError; is the server up, the address right"),
        ("http://user:word@127.0.0.1:9/api", f"no answer from {UNREACHABLE}: ConnectError"),
    ],
)
def test_apply_needs_a_server(run: Run, server: str | None, words: str) -> None:
    """A server that is not named, is no address or is down is reported in a line, without a password."""
    refused(run("apply", server=server), words)


@pytest.mark.parametrize(
    ("flags", "variables", "words"),
    [
        (("--lost-after", "-5"), {}, ("--lost-after is -5", "above 60", "two of Prefect's heartbeats")),
        (("--lost-after", "60"), {}, ("--lost-after", "above 60")),
        (("--lost-after", "nan"), {}, ("--lost-after", "above 60")),
        (("--stuck-after", "0"), {}, ("--stuck-after is 0", "above 0")),
        (("--stuck-after", "inf"), {}, ("--stuck-after", "a week")),
        (("--crashed-after", "-1"), {}, ("--crashed-after", "above 0")),
        (("--notify", "foo"), {}, ("--notify", "slack-webhook/operations")),
        ((), {"INTERACTIONS_POOL": "nope"}, ("INTERACTIONS_POOL is 'nope'", "interactions-process")),
    ],
)
def test_apply_refuses_bad_values(
    run: Run, flags: tuple[str, ...], variables: dict[str, str], words: tuple[str, ...]
) -> None:
    """Refused are a delay within two heartbeats, of no time or too long, a block without a type, an unknown pool."""
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
    """Exit code 2, not 1, when region, credentials, profile, address or table name are missing or wrong."""
    refused(run("inspect", ID, server=None, **variables), *words)


@pytest.mark.parametrize(
    ("words", "variables", "said"),
    [
        (("erase",), {}, "nobody is named"),
        (("export",), {}, "nobody is named"),
        (("erase", ID, "nonsense"), {}, "interaction id 2 is no UUID"),
        (("erase", ID, "--no-dry-run"), {}, "give a reason (--reason)"),
        (("erase", ID), {}, f"no answer from {UNREACHABLE}"),
        (("erase", "--phone", PHONE), {}, "CUSTOMER_KEYS_SECRET is not set"),
        (("export", "--email", "jane@example.com"), {}, "CUSTOMER_KEYS_SECRET is not set"),
        (("inspect", PHONE), {}, "CUSTOMER_KEYS_SECRET is not set"),
        (("inspect", PHONE), {"CUSTOMER_KEYS_SECRET": "short"}, "at least 32 characters"),
        (("inspect", PHONE), {"CUSTOMER_KEYS_SECRET": "x" * 32}, "INTERACTION_TABLE is not set"),
        (
            ("export", "--phone", PHONE),
            HERE | KEYS | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
            "127.0.0.1:9",
        ),
    ],
)
def test_what_a_person_asks_for_needs_a_name_a_reason_and_the_secret(
    run: Run, home: Path, words: tuple[str, ...], variables: dict[str, str], said: str
) -> None:
    """Each is a line that repeats no address; no run is created and no file is left."""
    ended = run(*words, entry=console_script, **variables)
    refused(ended, said)
    assert "5550100001" not in ended.said
    assert "jane" not in ended.said
    assert not (home / "export.zip").exists()


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


def test_the_console_script_is_named_in_the_package() -> None:
    """The script `interactions` of pyproject.toml is the function that these tests call."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module_name, function = project["scripts"]["interactions"].split(":")
    assert getattr(import_module(module_name), function) is console_script


def test_interactions_offers_every_command_of_both_programs(run: Run) -> None:
    """`interactions` has its own commands and all of `python -m infra`, of which replay is archive-replay."""
    names = {name for name in infra if not name.startswith("-")} - {"replay"}
    expected = names | {"apply", "archive-replay", "inspect", "sql", "tables", "status"}
    expected |= {"trigger", "replay", "reconcile", "erase", "export"}
    assert {name for name in interactions if not name.startswith("-")} == expected
    ended = run("--help", entry=console_script)
    assert ended.code == 0
    assert [name for name in sorted(expected) if f" {name} " not in ended.said] == []


@pytest.mark.parametrize("command", sorted(name for name in interactions if not name.startswith("-")))
def test_every_command_answers_a_program(run: Run, command: str) -> None:
    """`--json` is among the flags of each."""
    ended = run(command, "--help", entry=console_script)
    assert ended.code == 0
    assert "--json" in ended.said


@pytest.mark.parametrize("words", [("inspect", "nope"), ("inspect", ID), ("apply",)])
def test_interactions_says_the_same_as_python_m_deployments(run: Run, words: tuple[str, ...]) -> None:
    """A bad id, missing settings and a server that is down give the same line and exit code as before."""
    ours, theirs = run(*words, entry=console_script), run(*words)
    refused(ours)
    assert ours == theirs
    assert len(ours.said.splitlines()) == 1


@pytest.mark.parametrize("command", [("sql", "select 1"), ("tables",)])
def test_a_question_names_what_it_lacks(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """Exit code 2 and a line that names the variable, the stack's output or the extra that is missing."""
    bucket, database = {"CONVERSATION_BUCKET": "bucket"}, {"ANALYTICS_DATABASE": "interactions"}
    refused(run(*command, entry=console_script, **bucket), "analytics are off", "AnalyticsDatabaseName")
    monkeypatch.delenv("CONVERSATION_BUCKET")
    refused(run(*command, entry=console_script, **database), "CONVERSATION_BUCKET is not set", ".sandbox/env")
    refused(run(*command, entry=console_script, **bucket), "no AWS region is named")
    monkeypatch.setitem(sys.modules, "pyiceberg", None)
    refused(run(*command, entry=console_script), "not installed: pyiceberg; `pip install .[analytics]`")


@pytest.mark.parametrize("flags", [("--format", "xml"), ("--nothing",)])
def test_a_question_has_no_other_flags(run: Run, flags: tuple[str, ...]) -> None:
    """A format that does not exist is refused before anything is read."""
    ended = run("sql", "select 1", *flags, entry=console_script)
    assert ended.code != 0
    assert "Traceback" not in ended.said


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("outputs",), "no AWS region is named: give --region, or set AWS_DEFAULT_REGION"),
        (("outputs", "--region", "us-east-1", "--stack", "no name"), "no name"),
        (("apply", "--notify", "foo"), "--notify"),
    ],
)
def test_an_expected_failure_is_one_line(run: Run, words: tuple[str, ...], expected: str) -> None:
    """Errors of infra and of the deployments are one line, exit code 2."""
    ended = run(*words, entry=console_script)
    refused(ended, expected)
    assert len(ended.said.splitlines()) == 1


def test_only_infras_commands_read_its_variables(run: Run) -> None:
    """INFRA_STACK names the stack; INFRA_JSON does not make inspect print JSON."""
    variables = HERE | KEY | {"INFRA_STACK": "no name", "INFRA_JSON": "true"}
    refused(run("outputs", entry=console_script, **variables), "no name")
    ended = run("inspect", "nope", entry=console_script)
    refused(ended, "8-4-4-4-12")
    assert "{" not in ended.said


def test_commands_that_need_no_prefect_do_not_import_it() -> None:
    """Importing Prefect takes seconds; apply and inspect do it when they run."""
    imported = "import sys, deployments.cli.__main__; sys.exit('prefect' in sys.modules)"
    code = subprocess.run([sys.executable, "-c", imported], cwd=ROOT, check=False).returncode  # noqa: S603
    assert code == 0
