"""Genesys Cloud: credentials, permissions, and the integration that sends the events."""

from __future__ import annotations

import uuid
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from infra.checks.result import Check, UnknownState, Wrong
from infra.parameters import split
from tasks.genesys import AuthenticationFailed, GenesysClient, GenesysError, NotPermitted, SharedBudget
from tasks.settings import Settings

if TYPE_CHECKING:
    from infra.checks.scene import Scene

ALLOWANCE = 300  # requests a minute of a Genesys token
GIVE = "set GENESYS_CLIENT_ID, GENESYS_CLIENT_SECRET and GENESYS_REGION"


class Genesys:
    """Genesys Cloud as the environment's variables give it."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def checks(self) -> list[Check]:
        """Return this module's checks."""
        return [
            Check("Genesys credentials", self.credentials),
            Check("Genesys permissions", self.permissions),
            Check("Genesys integration", self.integration),
        ]

    @cached_property
    def client(self) -> GenesysClient:
        """A client whose requests count in the workers' own budget."""
        outputs = self.scene.outputs
        try:
            settings = Settings(  # the rest is the environment's
                interaction_table=outputs["InteractionTableName"],
                quarantine_table=outputs["QuarantineTableName"],
                budget_table=outputs["BudgetTableName"],
            )
        except ValidationError as error:
            names = ", ".join(str(each["loc"][0]).upper() for each in error.errors())
            raise UnknownState(f"not configured here: {names}", GIVE) from error
        database = self.scene.client("dynamodb")
        return GenesysClient.from_settings(
            settings, SharedBudget.from_settings(settings, lambda: ALLOWANCE, database)
        )

    def credentials(self) -> str:
        """The client id and secret are good in this region."""
        try:
            self._details()
        except AuthenticationFailed as error:
            raise Wrong(str(error), f"{GIVE}: a wrong region looks like a wrong client") from error
        except NotPermitted:
            pass  # known, if not allowed: the next check's business
        except GenesysError as error:
            raise Wrong(str(error), "is the region right, and api.<domain> reachable from here?") from error
        return f"known at {self.client.hosts.region}"

    def permissions(self) -> str:
        """The OAuth client's roles let it read conversation details."""
        try:
            self._details()
        except NotPermitted as error:
            mend = "give the OAuth client a role with analytics:conversationDetail:view in all divisions"
            raise Wrong(str(error), mend) from error
        except GenesysError as error:
            raise UnknownState("cannot be told without a token") from error
        return "analytics:conversationDetail:view"

    def integration(self) -> str:
        """An ACTIVE integration sends this account and region the topics that the rule wants."""
        try:
            found = [(each, self._properties(each)) for each in self.client.integrations()]
        except NotPermitted as error:
            raise UnknownState(
                "not permitted to see", "give the role integrations:integration:view"
            ) from error
        except GenesysError as error:
            raise UnknownState("cannot be told without a token") from error
        ours = [(each, properties) for each, properties in found if self._here(properties)]
        if not ours:
            where = f"account {self.scene.identity['Account']} in {self.scene.region}"
            raise Wrong(f"none of {len(found)} integrations is for {where}", "add one: Admin, Integrations")
        active = [properties for each, properties in ours if _state(each) == "ACTIVE"]
        if not active:
            states = ", ".join(_state(each) for each, _ in ours)
            raise Wrong(f"amazon-eventbridge-source is {states}", "set it to ACTIVE: Admin, Integrations")
        return self._topics(active)

    def _topics(self, active: list[dict[str, Any]]) -> str:
        sent = {topic for properties in active for topic in properties.get("eventFilter") or ()}
        wanted = [name for name in split(self.scene.values["DetailTypes"]) if name.startswith("v2.")]
        if missing := [name for name in wanted if name not in sent]:
            raise Wrong(
                f"not among its topics: {', '.join(missing)}", "add them to the integration's event filter"
            )
        return f"ACTIVE, {len(sent)} topics"

    def _details(self) -> None:
        self.client.get_conversations([str(uuid.uuid4())])

    def _properties(self, integration: dict[str, Any]) -> dict[str, Any]:
        return dict(self.client.integration_config(str(integration["id"])).get("properties") or {})

    def _here(self, properties: dict[str, Any]) -> bool:
        account, bus = str(self.scene.identity["Account"]), self.scene.outputs["EventBusName"]
        suffix = str(properties.get("eventSourceSuffix"))
        return (
            str(properties.get("awsAccountId")) == account
            and properties.get("awsAccountRegion") == self.scene.region
            and (not bus.startswith("aws.partner/") or bus.endswith(f"/{suffix}"))
        )


def _state(integration: dict[str, Any]) -> str:
    """Return ACTIVE, ERROR, ...; Genesys wraps it in an object with details."""
    state = integration.get("reportedState")
    return str(state.get("code") if isinstance(state, dict) else state)
