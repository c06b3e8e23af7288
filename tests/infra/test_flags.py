"""Values that cannot work are refused with the flag's name and exit code 2, before anything is called."""

from __future__ import annotations

import json

import pytest

from infra.stack.bounds import check_times
from infra.stack.parameters import complete
from infra.stack.template import MAX_BODY, body, load
from tests.support.stack import SOURCE, Deployed, infra

FIRST = ("--bus", "genesys", "--bus-mode", "own", "--source", SOURCE, "--detail-type", "conversation.end")
PREFECT = ("--prefect-api-url", "http://127.0.0.1:9/api")
DESTINATION = ("--bridge", "api-destination", "--deployment-id", "4f6f1a9e-1111-4222-8333-944445555666")
SECRET = ("--prefect-secret-arn", "arn:aws:secretsmanager:us-east-1:000000000000:secret:prefect-AbCdEf")
REQUIRED = {"BusName": "default", "PrefectApiUrl": "https://prefect/api"}


def test_the_template_fits_into_a_request() -> None:
    """Without comments and indentation; the file itself may be larger."""
    assert len(body(load()).encode()) <= MAX_BODY


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--settle-seconds", "901"), ("--settle-seconds", "901", "from 0 to 900")),
        (("--settle-seconds", "-1"), ("--settle-seconds", "from 0 to 900")),
        (("--archive-days", "-1"), ("--archive-days", "at least 0")),
        (("--set.BatchSize", "10001"), ("--set.BatchSize", "from 1 to 10000")),
        (("--set.BatchSize", "many"), ("--set.BatchSize", "not a whole number")),
        (("--set.MaximumConcurrency", "1"), ("--set.MaximumConcurrency", "from 2 to 1000")),
        (("--set.LogDays", "2"), ("--set.LogDays", "one of 1, 3, 5")),
        (("--prefect-secret-arn", "secret"), ("--prefect-secret-arn", "secretsmanager")),
        (("--set.VisibilitySeconds", "29"), ("--set.VisibilitySeconds", "At least 30", "better 155")),
        (("--set.BatchWindowSeconds", "0"), ("--set.BatchWindowSeconds", "--set.BatchSize")),
        (("--interaction-table", "nowhere"), ("--interaction-table", "there is no nowhere")),
    ],
)
@pytest.mark.parametrize("command", ["plan", "deploy"])
def test_a_value_out_of_bounds_is_named_by_its_flag(
    command: str, words: tuple[str, ...], said: tuple[str, ...]
) -> None:
    """One line with the flag, the value and what is allowed."""
    answer = infra(command, *FIRST, *PREFECT, *words)
    assert (answer.returncode, len(answer.stderr.splitlines())) == (2, 1)
    assert [each for each in said if each not in answer.stderr] == []


@pytest.mark.usefixtures("aws")
def test_a_key_is_not_sent_in_the_open() -> None:
    """The bridge would refuse to: said before anything is made."""
    answer = infra("plan", *FIRST, "--prefect-api-url", "http://prefect.internal/api", *SECRET)
    assert (answer.returncode, len(answer.stderr.splitlines())) == (2, 1)
    assert "--prefect-api-url is plain http and --prefect-secret-arn is set" in answer.stderr


@pytest.mark.usefixtures("aws")
def test_the_default_bus_is_not_made() -> None:
    """`default` exists in every account: the mode that fits is named."""
    answer = infra("plan", "--bus", "default", "--bus-mode", "own", *PREFECT)
    assert (answer.returncode, "--bus-mode existing" in answer.stderr) == (2, True)


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    "words",
    [
        ("redrive", "--rate", "0"),
        ("redrive", "--rate=-1"),
        ("redrive", "--rate", "nan"),
        ("verify", "--wait=-1"),
    ],
)
def test_a_number_that_makes_no_sense_is_named_by_its_flag(words: tuple[str, ...]) -> None:
    """No rate of zero, no time before now."""
    answer = infra(*words)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert words[1].split("=")[0] in answer.stderr


@pytest.mark.parametrize(
    ("hidden", "runs", "window", "warned"), [(155, 25, 5, False), (154, 25, 5, True), (30, 5, 0, False)]
)
def test_the_visibility_fits_the_bridges_time(hidden: int, runs: int, window: int, warned: bool) -> None:
    """Six times the function's time-out plus the window, as AWS advises; less is said."""
    given = {
        "VisibilitySeconds": hidden,
        "BridgeTimeoutSeconds": runs,
        "BatchWindowSeconds": window,
        "BatchSize": 10,
    }
    assert bool(check_times(complete({**REQUIRED, **given}, {}))) is warned


def test_a_question_without_a_terminal_names_the_flag(stack: Deployed) -> None:
    """The commands name --yes; what --yes does not answer asks for a terminal. Nothing is done."""
    asked = infra("deploy", *FIRST, *PREFECT)
    assert (asked.returncode, "--yes" in asked.stderr) == (2, True)
    assert stack.session.client("cloudformation").describe_stacks()["Stacks"] == []
    stack.deploy()
    assert "--yes" in infra("delete").stderr
    data = infra("delete", "--yes", "--with-data")
    assert (data.returncode, "terminal" in data.stderr) == (2, True)
    assert infra("outputs").returncode == 0


def test_an_arn_is_printed_as_it_is(stack: Deployed) -> None:
    """`:secret:` is no emoji, and brackets are no markup."""
    arn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:prefect-a1b2c3"
    stack.deploy()
    planned = infra(
        "plan",
        "--prefect-secret-arn",
        arn,
        "--set.AlarmTopicArn",
        "arn:aws:sns:us-east-1:000000000000:[bold]",
    )
    assert arn in planned.stdout
    assert ":[bold]" in planned.stdout


@pytest.mark.parametrize("text", ['{"auth_string": "user:password"}', 'a"b', "pnu_1\n", "two words", ""])
def test_a_destination_refuses_a_secret_that_is_no_plain_key(stack: Deployed, text: str) -> None:
    """Its text is sent as it is: JSON, quotes and line ends would be refused by Prefect, event for event."""
    secret = stack.session.client("secretsmanager").create_secret(
        Name="interactions-prefect", SecretString=text or " "
    )
    answer = infra("plan", *FIRST, *PREFECT, *DESTINATION, "--prefect-secret-arn", secret["ARN"])
    assert (answer.returncode, "plain API key" in answer.stderr) == (2, True)
    assert json.dumps(text) not in answer.stderr


def test_a_destination_takes_a_plain_key(stack: Deployed) -> None:
    """A key of Prefect's passes; one that cannot be read is said."""
    secrets = stack.session.client("secretsmanager")
    secret = secrets.create_secret(Name="interactions-prefect", SecretString="pnu_1")["ARN"]
    assert infra("plan", *FIRST, *PREFECT, *DESTINATION, "--prefect-secret-arn", secret).returncode == 0
    secrets.delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)
    unread = infra("plan", *FIRST, *PREFECT, *DESTINATION, "--prefect-secret-arn", secret)
    assert (unread.returncode, "could not be read" in unread.stdout) == (0, True)
