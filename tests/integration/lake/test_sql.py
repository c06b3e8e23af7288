"""`interactions sql` and `interactions tables` over tables that publish made, through Glue and S3 of the emulator."""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import Callable
from typing import NamedTuple

import pytest

from deployments.cli.__main__ import main
from deployments.sandbox import servers
from tests.support.commands import home  # noqa: F401 - a fixture
from tests.support.emulator import Emulator
from tests.support.lake import AnalyticsWorld

IDS = sorted(str(uuid.uuid4()) for _ in range(3))
BY_MEDIUM = "select media_type, count(*) as n from interactions group by 1 order by 1"


class Output(NamedTuple):
    """Exit code and output of a command."""

    code: int
    out: str
    err: str


Run = Callable[..., Output]


@pytest.fixture(scope="module")
def world(aws: Emulator) -> AnalyticsWorld:
    """Three interactions, saved and published."""
    made = AnalyticsWorld(aws)
    for interaction_id, sample in zip(IDS, ("voice", "chat", "voice"), strict=True):
        made.save(interaction_id, sample)
    made.publish()
    return made


@pytest.fixture
def run(
    world: AnalyticsWorld,
    home: object,  # noqa: ARG001, F811 - a fixture: no variables of this machine
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Return a function that runs `interactions` in this process, with the environment that `.sandbox/env` makes."""
    monkeypatch.setenv("ANALYTICS_DATABASE", world.name)
    monkeypatch.setenv("CONVERSATION_BUCKET", world.name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", world.s3.meta.endpoint_url)
    monkeypatch.setenv("COLUMNS", "200")
    for name, value in servers.AWS.items():
        monkeypatch.setenv(name, value)

    def command(*words: str) -> Output:
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        return Output(int(str(ended.value.code)), *capsys.readouterr())

    return command


def test_a_table(run: Run) -> None:
    """By default the rows are a table for people."""
    found = run("sql", BY_MEDIUM)
    assert found.code == 0
    lines = [[cell.strip() for cell in line.strip("│┃").split("│")] for line in found.out.splitlines()]
    assert ["chat", "1"] in lines
    assert ["voice", "2"] in lines


def test_csv(run: Run) -> None:
    """With --format csv a program gets a header and the rows."""
    found = run("sql", BY_MEDIUM, "--format", "csv")
    assert list(csv.reader(io.StringIO(found.out))) == [["media_type", "n"], ["chat", "1"], ["voice", "2"]]


@pytest.mark.parametrize("flags", [["--format", "json"], ["--json"]])
def test_json(run: Run, flags: list[str]) -> None:
    """With --json, as everywhere, it gets a list."""
    found = run("sql", BY_MEDIUM, *flags)
    assert json.loads(found.out) == [{"media_type": "chat", "n": 1}, {"media_type": "voice", "n": 2}]


def test_the_tables_say_what_the_record_says(run: Run, world: AnalyticsWorld) -> None:
    """An interaction's row has the stored record's start, duration and version, under the day of its start."""
    sql = "select interaction_id, day, started_at, duration_ms, version from interactions order by 1"
    rows = json.loads(run("sql", sql, "--json").out)
    assert [row["interaction_id"] for row in rows] == IDS
    for row in rows:
        item = world.interactions.get(row["interaction_id"]) or {}
        assert (row["day"], row["version"]) == (item["startedAt"][:10], item["version"])
        assert (row["started_at"][:19], row["duration_ms"]) == (
            item["startedAt"][:19],
            int(item["durationMs"]),
        )


def test_persons_are_shown_on_request_only(run: Run) -> None:
    """The whole conversation can be read with --reveal, and without it the message says so."""
    sql = "select body from conversations"
    refused = run("sql", sql)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == "conversations.body is personal: ask again with --reveal\n"
    revealed = json.loads(run("sql", sql, "--reveal", "--json").out)
    assert sorted(json.loads(row["body"])["conversationId"] for row in revealed) == IDS


def test_tables_lists_what_there_is(run: Run) -> None:
    """Each table with its rows and columns, each view with its columns; JSON has types and descriptions."""
    shown = run("tables")
    assert (shown.code, "agent_day" in shown.out, "customer_email (personal)" in shown.out) == (0, True, True)
    found = {each["name"]: each for each in json.loads(run("tables", "--json").out)}
    assert (found["interactions"]["rows"], found["conversations"]["rows"], found["users"]["rows"]) == (
        3,
        3,
        0,
    )
    assert found["agent_day"]["rows"] is None
    assert {"name": "version", "type": "text"}.items() <= found["interactions"]["columns"][-8].items()


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("select * from read_csv('/etc/passwd')", "file system operations are disabled"),
        ("delete from interactions", "one SELECT can be asked, and nothing else: this is DELETE"),
        ("select * from nothing", "there is no table nothing. There are: conversations, sessions"),
        ("selec 1", "syntax error"),
    ],
)
def test_a_statement_that_cannot_be_answered(run: Run, sql: str, words: str) -> None:
    """The exit code is 2, standard error has the reason, and with --json the answer has it as `error`."""
    refused = run("sql", sql)
    assert (refused.code, refused.out, "Traceback" in refused.err) == (2, "", False)
    assert words in refused.err
    as_json = run("sql", sql, "--json")
    assert (as_json.code, words in json.loads(as_json.out)["error"]) == (2, True)


def test_a_database_that_does_not_exist_is_no_empty_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong ANALYTICS_DATABASE is said, not answered with no rows."""
    monkeypatch.setenv("ANALYTICS_DATABASE", "nowhere")
    refused = run("sql", "select count(*) from interactions")
    assert refused.code == 2
    assert "ANALYTICS_DATABASE" in refused.err


def test_an_unreachable_aws_is_no_fault_of_the_statement(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit code is 1, and the text says where nobody answered."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    refused = run("sql", "select count(*) from interactions")
    assert (refused.code, "Traceback" in refused.err) == (1, False)
    assert "AWS_ENDPOINT_URL" in refused.err
