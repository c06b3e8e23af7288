"""`verify` of Genesys: each cause has its own words and its own mend; what passes by itself is unknown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from infra.stack.change_set import Stack
from infra.verify.check import CheckFailed
from infra.verify.context import CheckContext
from infra.verify.genesys import GenesysChecks
from infra.verify.run import verify
from tests.support.stack import Deployed
from tests.support.verified import checked, failures

BROKEN_GENESYS = {
    "Genesys permissions": ("faults", {"missing_permission": "analytics:conversationDetail:view"}),
    "Genesys directory": ("faults", {"missing_permission": ["routing:queue:view", "directory:user:view"]}),
    "Genesys integration": ("integrations", [{"reportedState": "ERROR"}]),
    "Genesys integration ": ("integrations", [{"awsAccountRegion": "eu-west-1"}]),
    "Genesys integration  ": ("integrations", [{"eventFilter": ["v2.users.{id}.presence"]}]),
}


@pytest.mark.parametrize("name", BROKEN_GENESYS)
def test_what_is_wrong_in_genesys_is_named(
    name: str, working: Deployed, genesys: Callable[..., None]
) -> None:
    """A missing permission; an integration in error, in another region, without the topic."""
    genesys(*BROKEN_GENESYS[name])
    assert failures(working) == {name.strip()}


def test_the_permissions_of_missing_names_are_named(working: Deployed, genesys: Callable[..., None]) -> None:
    """The hint has each permission of the directory that is missing, and no other."""
    genesys("faults", {"missing_permission": ["routing:wrapupCode:view", "authorization:division:view"]})
    stack = Stack(working.session.client("cloudformation"), "interactions")
    found = {each.name: each for each in verify(working.session, stack, send=False)}["Genesys directory"]
    assert found.found == "not permitted: names of wrap-up codes, divisions"
    assert "routing:wrapupCode:view, authorization:division:view;" in found.hint
    assert "routing:queue:view" not in found.hint


def test_an_integration_in_error_says_why(working: Deployed, genesys: Callable[..., None]) -> None:
    """What Genesys gives as the state's detail is shown."""
    detail = "The AWS account does not exist"
    genesys("integrations", [{"reportedState": "ERROR", "detail": detail}])
    found = checked(working)["Genesys integration"]
    assert found.found == f"amazon-eventbridge-source is ERROR: {detail}"
    assert "correct what it says" in found.hint


def test_an_integration_that_is_activating_is_waited_for(
    working: Deployed, genesys: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it is ACTIVE, or for a while: then it is unknown, not failed."""
    monkeypatch.setattr("infra.verify.genesys.POLL_SECONDS", 0.1)
    genesys("integrations", [{"activatingFor": 1}])
    assert checked(working)["Genesys integration"].state == "pass"
    monkeypatch.setattr("infra.verify.genesys.ACTIVATION_SECONDS", 0.2)
    genesys("integrations", [{"activatingFor": 3600}])
    found = checked(working)["Genesys integration"]
    assert (found.state, "ACTIVATING" in found.found, "come again" in found.hint) == ("unknown", True, True)


@pytest.mark.parametrize(
    "other",
    [{"awsAccountRegion": "eu-west-1"}, {"awsAccountId": "111122223333"}, {"awsAccountRegion": "mars"}],
)
def test_an_integration_for_elsewhere_says_what_it_says(
    working: Deployed, genesys: Callable[..., None], other: dict[str, str]
) -> None:
    """Account, region and suffix of what there is beside those of the stack, instead of the advice to add one."""
    genesys("integrations", [{"name": "To AWS", **other}])
    found = checked(working)["Genesys integration"]
    assert found.state == "fail"
    assert "'To AWS' (ACTIVE) sends to account" in found.found
    assert [value for value in (*other.values(), "suffix interactions") if value not in found.found] == []
    assert ("add one" in found.hint, "--region" in found.hint) == (False, True)
    genesys("integrations", [])
    assert "add one" in checked(working)["Genesys integration"].hint


def test_the_suffix_of_a_partner_bus_is_compared() -> None:
    """An integration with another suffix sends to another bus."""
    session = boto3.Session("x", "x", region_name="us-east-1")
    context = CheckContext(session, Stack(session.client("cloudformation"), "interactions"))
    context.__dict__["outputs"] = {"EventBusName": "aws.partner/genesys.com/cloud/org/ours"}
    context.__dict__["identity"] = {"Account": "1"}
    theirs = {"awsAccountId": "1", "awsAccountRegion": "us-east-1", "eventSourceSuffix": "theirs"}

    class Genesys:
        """An organisation with one integration."""

        def integrations(self) -> list[dict[str, Any]]:
            return [{"id": "1", "name": "Theirs", "reportedState": {"code": "ACTIVE"}}]

        def integration_config(self, integration_id: str) -> dict[str, Any]:
            return {"id": integration_id, "properties": theirs}

    checks = GenesysChecks(context)
    checks.__dict__["client"] = Genesys()
    with pytest.raises(CheckFailed, match=r"suffix ours: 'Theirs' \(ACTIVE\) sends to .* suffix theirs"):
        checks.integration()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"throttle": {"retry_after": 45, "for_seconds": 3600}}, "in 45 s"),
        ({"error_rate": 1, "status": 503}, "few minutes"),
    ],
)
def test_a_busy_genesys_is_unknown(
    working: Deployed,
    genesys: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    fault: dict[str, Any],
    said: str,
) -> None:
    """429 and 5xx say nothing about the settings: no check fails, and the hint says when to come again."""
    monkeypatch.setenv("GENESYS_MAX_WAIT", "1")
    monkeypatch.setenv("GENESYS_RETRY_DELAY", "0.05")
    genesys("faults", fault)
    found = checked(working)
    states = {name: each.state for name, each in found.items() if name.startswith("Genesys")}
    assert set(states.values()) <= {"unknown", "pass"}
    assert states["Genesys credentials"] == "unknown"
    assert said in found["Genesys credentials"].hint
    assert "region" not in found["Genesys credentials"].hint


def test_attributes_need_their_permission(
    working: Deployed, genesys: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only where the workers read an e-mail attribute."""
    genesys("faults", {"missing_permission": "conversation:communication:view"})
    assert checked(working)["Genesys attributes"].state == "pass"
    monkeypatch.setenv("GENESYS_EMAIL_ATTRIBUTE", "customerEmail")
    found = checked(working)["Genesys attributes"]
    assert (found.state, "conversation:communication:view" in found.hint) == ("fail", True)
    genesys("faults", {"missing_permission": None})
    assert checked(working)["Genesys attributes"].state == "pass"


def test_what_cannot_be_seen_of_divisions_is_said(working: Deployed) -> None:
    """A role without a division hides its conversations, and nothing tells."""
    assert "every division cannot be seen" in checked(working)["Genesys permissions"].found


def test_wrong_genesys_credentials_are_named(working: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong secret is one failure; the checks that need a token are unknown."""
    monkeypatch.setenv("GENESYS_CLIENT_SECRET", "wrong")
    assert failures(working) == {"Genesys credentials"}
