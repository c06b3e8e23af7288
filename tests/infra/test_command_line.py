"""`python -m infra` with input that cannot work: exit code 2, and a line that names the flag or the variable."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from infra.errors import InvalidInput
from infra.stack.parameters import check, complete
from tests.support.stack import infra

REGION = {"AWS_DEFAULT_REGION": "us-east-1"}
KEY = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
NOBODY = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Return an environment without any setting of AWS."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "PREFECT_", "INFRA_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("command", ["deploy", "plan", "outputs", "delete", "verify", "redrive"])
def test_every_command_names_the_region_that_is_missing(command: str) -> None:
    """Without a region the flag and the variable are named."""
    answer = infra(command)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "--region" in answer.stderr
    assert "AWS_DEFAULT_REGION" in answer.stderr


@pytest.mark.parametrize(
    ("variables", "flags", "code", "words"),
    [
        (REGION, (), 2, ("no AWS credentials", "AWS_ACCESS_KEY_ID", "--profile")),
        (REGION | {"AWS_ACCESS_KEY_ID": "a"}, (), 2, ("AWS_SECRET_ACCESS_KEY",)),
        (KEY, ("--region", "us east"), 2, ("--region", "us-east-1")),
        (REGION, ("--profile", "nope"), 2, ("nope", "--profile", "aws configure list-profiles")),
        (REGION | KEY | {"AWS_ENDPOINT_URL": "x"}, (), 2, ("AWS_ENDPOINT_URL", "http://")),
        (REGION | KEY | {"AWS_ENDPOINT_URL_SQS": "http://[x"}, (), 2, ("AWS_ENDPOINT_URL_SQS", "http://")),
        (REGION | KEY | NOBODY, (), 1, ("127.0.0.1:9", "AWS_ENDPOINT_URL")),
    ],
)
def test_the_reason_why_aws_is_not_reached_is_named(
    bare: pytest.MonkeyPatch,
    variables: dict[str, str],
    flags: tuple[str, ...],
    code: int,
    words: tuple[str, ...],
) -> None:
    """Credentials, profile, region, address: one line, with the next step."""
    for name, value in variables.items():
        bare.setenv(name, value)
    answer = infra("outputs", *flags)
    assert (answer.returncode, len(answer.stderr.splitlines())) == (code, 1)
    assert [word for word in words if word not in answer.stderr] == []


@pytest.mark.parametrize(
    ("variables", "words"), [({}, ("AWS_ACCESS_KEY_ID", "--profile")), (KEY | NOBODY, ("AWS_ENDPOINT_URL",))]
)
def test_verify_gives_a_hint_for_credentials(
    bare: pytest.MonkeyPatch, variables: dict[str, str], words: tuple[str, ...]
) -> None:
    """The check of the identity fails, and its hint is a next step, not the error again."""
    for name, value in (REGION | variables).items():
        bare.setenv(name, value)
    answer = infra("verify")
    hint = answer.stdout.split("hint:")[1]
    assert answer.returncode == 1
    assert [word for word in words if word not in hint] == []


@pytest.mark.parametrize(
    "bus", ["foo", "aws.partner/example.com/cloud/org/suffix", "aws.partner/genesys.com/"]
)
def test_a_partner_bus_is_one_of_genesys(bus: str) -> None:
    """Another name is rejected before CloudFormation is called; the line names the flag and the form."""
    values = complete({"BusMode": "partner", "BusName": bus, "PrefectApiUrl": "https://prefect/api"}, {})
    with pytest.raises(InvalidInput, match=r"--bus aws\.partner/genesys\.com/cloud/.*--bus-mode own"):
        check(values)


def test_a_partner_bus_of_genesys_passes() -> None:
    """The full name of an event source is accepted."""
    name = "aws.partner/genesys.com/cloud/org/suffix"
    check(complete({"BusMode": "partner", "BusName": name, "PrefectApiUrl": "https://prefect/api"}, {}))
