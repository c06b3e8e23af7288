"""Checks of Genesys Cloud: credentials, permissions, and the integration that sends the events.

The docstring of a check says what holds when it passes.
"""

from __future__ import annotations

import time
import uuid
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from infra.stack.parameters import split
from infra.verify.check import Check, CheckFailed, CheckUnknown
from tasks.errors import DependencyUnavailable
from tasks.genesys import (
    AuthenticationFailed,
    GenesysClient,
    GenesysError,
    NameKind,
    NotPermitted,
    RateLimiter,
    Throttled,
    Unavailable,
)
from tasks.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.verify.context import CheckContext

REQUESTS_PER_MINUTE = 300  # of one Genesys token
ACTIVATION_SECONDS = 60.0  # that an integration which is ACTIVATING is waited for
POLL_SECONDS = 3.0
SET_VARIABLES = "set GENESYS_CLIENT_ID, GENESYS_CLIENT_SECRET and GENESYS_REGION"


class GenesysChecks:
    """Genesys Cloud with the OAuth client of the environment variables."""

    def __init__(self, context: CheckContext) -> None:
        self.context = context

    def checks(self) -> list[Check]:
        """Return this module's checks."""
        return [
            Check("Genesys credentials", self.credentials),
            Check("Genesys permissions", self.permissions),
            Check("Genesys attributes", self.attributes),
            Check("Genesys directory", self.directory),
            Check("Genesys integration", self.integration),
        ]

    @cached_property
    def client(self) -> GenesysClient:
        """A client whose requests count towards the workers' rate limit."""
        settings, database = self.settings, self.context.client("dynamodb")
        return GenesysClient.from_settings(
            settings, RateLimiter.from_settings(settings, lambda: REQUESTS_PER_MINUTE, database)
        )

    @cached_property
    def settings(self) -> Settings:
        """The workers' settings, as far as this machine's environment has them."""
        outputs = self.context.outputs
        try:
            return Settings(  # the others come from the environment
                interaction_table=outputs["InteractionTableName"],
                quarantine_table=outputs["QuarantineTableName"],
                budget_table=outputs["BudgetTableName"],
            )
        except ValidationError as error:
            names = ", ".join(str(each["loc"][0]).upper() for each in error.errors())
            raise CheckUnknown(f"not configured here: {names}", SET_VARIABLES) from error

    def credentials(self) -> str:
        """The client id and secret are valid in this region, and for the organisation that the workers accept."""
        try:
            with _unless_busy():
                self._details()
        except AuthenticationFailed as error:
            raise CheckFailed(
                str(error), f"{SET_VARIABLES}: in another region the client is unknown, too"
            ) from error
        except NotPermitted:
            pass  # the credentials are valid; the next check reports the permission
        except GenesysError as error:
            raise CheckFailed(
                str(error), "is the region right, and api.<domain> reachable from here?"
            ) from error
        return f"known at {self.client.hosts.region}{self._organization()}"

    def _organization(self) -> str:
        """Return `, organisation <id>`, or nothing where Genesys does not say."""
        try:
            found = self.client.organization_id()
        except GenesysError:
            return ""
        wanted = self.settings.genesys_organization_id
        if found and wanted not in (None, found):
            raise CheckFailed(
                f"the client's organisation is {found}, GENESYS_ORGANIZATION_ID is {wanted}",
                "correct the one or the other: events of another organisation than that are rejected",
            )
        return f", organisation {found}" if found else ""

    def permissions(self) -> str:
        """The OAuth client's roles let it read conversation details."""
        try:
            with _unless_busy():
                self._details()
        except NotPermitted as error:
            hint = "give the OAuth client a role with analytics:conversationDetail:view in all divisions"
            raise CheckFailed(str(error), hint) from error
        except GenesysError as error:
            raise CheckUnknown("unknown without a token") from error
        return (
            "analytics:conversationDetail:view; whether in every division cannot be seen from here: a conversation of "
            "another division looks like none, and reconcile does not find it"
        )

    def attributes(self) -> str:
        """The OAuth client's roles let it read participant attributes, if the workers have to."""
        if not self.settings.genesys_email_attribute:
            return "not needed: GENESYS_EMAIL_ATTRIBUTE is not set here"
        try:
            with _unless_busy():
                self.client.get_attributes(str(uuid.uuid4()))
        except NotPermitted as error:
            raise CheckFailed(
                str(error),
                "give the OAuth client a role with conversation:communication:view in all divisions, or unset "
                "GENESYS_EMAIL_ATTRIBUTE: until then interactions are deferred",
            ) from error
        except GenesysError as error:
            raise CheckUnknown("unknown without a token") from error
        return "conversation:communication:view"

    def directory(self) -> str:
        """The OAuth client's roles let it read the names of users, queues, wrap-up codes and divisions."""
        missing = []
        try:
            for kind in NameKind:
                try:
                    with _unless_busy():
                        self.client.get_names(kind, [str(uuid.uuid4())])
                except NotPermitted:
                    missing.append(kind)
        except GenesysError as error:
            raise CheckUnknown("unknown without a token") from error
        if missing:
            raise CheckFailed(
                f"not permitted: names of {', '.join(kind.label for kind in missing)}",
                f"give the OAuth client a role with {', '.join(kind.permission for kind in missing)}; "
                "until then rows are stored without these names",
            )
        return ", ".join(kind.permission for kind in NameKind)

    def integration(self) -> str:
        """An ACTIVE integration sends this account and region every topic that the rule matches."""
        deadline = time.monotonic() + ACTIVATION_SECONDS
        matching = self._matching()
        while "ACTIVATING" in (states := [_state(each) for each, _ in matching]) and "ACTIVE" not in states:
            if time.monotonic() > deadline:
                raise CheckUnknown(
                    f"amazon-eventbridge-source is ACTIVATING since more than {ACTIVATION_SECONDS:.0f} s",
                    "come again in some minutes; if it stays so, set it to inactive and to active again",
                )
            time.sleep(POLL_SECONDS)
            matching = self._matching()
        active = [properties for each, properties in matching if _state(each) == "ACTIVE"]
        if not active:
            raise CheckFailed(
                f"amazon-eventbridge-source is {'; '.join(_explained(each) for each, _ in matching)}",
                _mend(states),
            )
        return self._topics(active)

    def _matching(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Return the integrations for this account, region and bus, with their properties; raises without one."""
        try:
            with _unless_busy():
                found = [(each, self._properties(each)) for each in self.client.integrations()]
        except NotPermitted as error:
            raise CheckUnknown(
                "not permitted to see", "give the role integrations:integration:view"
            ) from error
        except GenesysError as error:
            raise CheckUnknown("unknown without a token") from error
        matching = [(each, properties) for each, properties in found if self._sends_here(properties)]
        if matching:
            return matching
        where = f"account {self.context.identity['Account']}, region {self.context.region}{self._suffix()}"
        if not found:
            raise CheckFailed(
                f"Genesys has no integration amazon-eventbridge-source, for {where}",
                "add one: Admin, Integrations",
            )
        others = "; ".join(_destination(each, properties) for each, properties in found)
        raise CheckFailed(
            f"none sends to {where}: {others}",
            "is this the right account, region and stack (--profile, --region, --stack)? If so, correct the "
            "integration, or deploy with the --bus that it sends to",
        )

    def _suffix(self) -> str:
        """Return `, suffix ...` of a partner bus, nothing of another."""
        bus = self.context.outputs["EventBusName"]
        return f", suffix {bus.rsplit('/', 1)[1]}" if bus.startswith("aws.partner/") else ""

    def _topics(self, active: list[dict[str, Any]]) -> str:
        sent = {topic for properties in active for topic in properties.get("eventFilter") or ()}
        wanted = [name for name in split(self.context.values["DetailTypes"]) if name.startswith("v2.")]
        if missing := [name for name in wanted if name not in sent]:
            raise CheckFailed(
                f"not among its topics: {', '.join(missing)}", "add them to the integration's event filter"
            )
        return f"ACTIVE, {len(sent)} topics"

    def _details(self) -> None:
        self.client.get_conversations([str(uuid.uuid4())])

    def _properties(self, integration: dict[str, Any]) -> dict[str, Any]:
        return dict(self.client.integration_config(str(integration["id"])).get("properties") or {})

    def _sends_here(self, properties: dict[str, Any]) -> bool:
        account, bus = str(self.context.identity["Account"]), self.context.outputs["EventBusName"]
        suffix = str(properties.get("eventSourceSuffix"))
        return (
            str(properties.get("awsAccountId")) == account
            and properties.get("awsAccountRegion") == self.context.region
            and (not bus.startswith("aws.partner/") or bus.endswith(f"/{suffix}"))
        )


@contextmanager
def _unless_busy() -> Iterator[None]:
    """Make "unknown" of what passes by itself: 429, 5xx, the workers' limit. No answer at all is left as it is."""
    try:
        yield
    except Throttled as error:
        wait = f"in {error.retry_after:.0f} s" if error.retry_after else "in a minute"
        raise CheckUnknown(str(error), f"come again {wait}: nothing can be said until then") from error
    except Unavailable as error:
        if error.status is None and not isinstance(error, DependencyUnavailable):
            raise
        raise CheckUnknown(
            str(error), "come again in a few minutes: it says nothing about your settings"
        ) from error


def _mend(states: list[str]) -> str:
    """Return what to do about integrations of which none is active."""
    if "ERROR" in states:
        return "correct what it says (does the AWS account exist, is the suffix free?), then set it to active again"
    return "set it to ACTIVE: Admin, Integrations"


def _explained(integration: dict[str, Any]) -> str:
    """Return the state, with Genesys's explanation of it if there is one."""
    state = integration.get("reportedState")
    detail = state.get("detail") if isinstance(state, dict) else None
    if isinstance(detail, dict):
        detail = (
            detail.get("messageWithParams") or detail.get("message") or detail.get("localizableMessageCode")
        )
    return f"{_state(integration)}: {detail}" if detail else _state(integration)


def _destination(integration: dict[str, Any], properties: dict[str, Any]) -> str:
    """Return where an integration sends its events, by its name."""
    account, region, suffix = (
        properties.get(name) for name in ("awsAccountId", "awsAccountRegion", "eventSourceSuffix")
    )
    who = f"{integration.get('name')!r} ({_state(integration)})"
    return f"{who} sends to account {account}, region {region}, suffix {suffix}"


def _state(integration: dict[str, Any]) -> str:
    """Return ACTIVE, ERROR, ...: text, or the code of an object, as the API has both."""
    state = integration.get("reportedState")
    return str(state.get("code") if isinstance(state, dict) else state)
