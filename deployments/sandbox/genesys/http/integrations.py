"""The integrations API: the organization's EventBridge integration and its configuration."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from uuid import uuid4

from deployments.sandbox.genesys.control.validation import one_of, read_fields, text, text_list
from deployments.sandbox.genesys.conversations.organization import ORGANIZATION_ID, fixed_id
from deployments.sandbox.genesys.http.errors import bad_request, not_found
from deployments.sandbox.genesys.http.listing import listing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from deployments.sandbox.genesys.conversations import Json

EVENT_BRIDGE = "amazon-eventbridge-source"
CUSTOMER_END = "v2.detail.events.conversation.{id}.customer.end"
PROPERTIES = ("awsAccountId", "awsAccountRegion", "eventSourceSuffix", "eventFilter")
DEFAULT: Json = {
    "id": fixed_id("integration"),
    "name": "Interactions to EventBridge",
    "integrationType": EVENT_BRIDGE,
    "reportedState": "ACTIVE",
    "intendedState": "ENABLED",
    "awsAccountId": "000000000000",
    "awsAccountRegion": "us-east-1",
    "eventSourceSuffix": "interactions",
    "eventFilter": [CUSTOMER_END],
}
_STATES = {
    "ACTIVE": "Active",
    "ACTIVATING": "Activating",
    "INACTIVE": "Inactive",
    "DEACTIVATING": "Deactivating",
    "ERROR": "Error",
}
_READERS = {
    **dict.fromkeys(DEFAULT, text),
    "reportedState": one_of(*_STATES),
    "eventFilter": text_list,
    "detail": text,
    "activatingFor": float,
}


class Integrations:
    """The integrations of the organization."""

    def __init__(self) -> None:
        self._all: list[Json] = [DEFAULT]
        self._since = time.monotonic()

    def replace(self, wanted: Any) -> list[Json]:
        """Replace the list; fields that an entry does not name are those of DEFAULT. Raises ValueError.

        `detail` explains the state; `activatingFor` is how many seconds it is ACTIVATING before it is ACTIVE.
        """
        if not isinstance(wanted, list):
            raise ValueError("expected a list of integrations")  # noqa: TRY004 - it is answered with 400
        self._all = [DEFAULT | {"id": str(uuid4())} | read_fields(each, _READERS) for each in wanted]
        self._since = time.monotonic()
        return self._all

    def plain(self) -> list[Json]:
        """Return the list in the format of `replace`."""
        return self._all

    def listing(self, query: Mapping[str, list[str]]) -> Json:
        """Return a page of the integrations, filtered by type and state. Raises the 400 of a wrong parameter."""
        kind = query.get("integrationType", [None])[-1]
        state = query.get("reportedState", [""])[-1].upper()
        if state not in ("", *_STATES):
            raise bad_request(f"reportedState must be one of {', '.join(_STATES)}.", "invalid.value")
        found = [each for each in self._all if kind in (None, each["integrationType"])]
        found = [each for each in found if state in ("", self._state(each))]
        return listing("/api/v2/integrations", [self._entity(each) for each in found], query)

    def one(self, integration_id: str) -> Json:
        """Return an integration. Raises the 404 of an unknown id."""
        return self._entity(self._find(integration_id))

    def configuration(self, integration_id: str) -> Json:
        """Return an integration's configuration: AWS account, region, suffix and topics. Raises a 404."""
        found = self._find(integration_id)
        return {
            "id": found["id"],
            "name": found["name"],
            "version": 1,
            "properties": {name: found[name] for name in PROPERTIES},
            "advanced": {},
            "notes": "",
            "credentials": {},
            "selfUri": f"/api/v2/integrations/{found['id']}/config/current",
        }

    def _find(self, integration_id: str) -> Json:
        for each in self._all:
            if each["id"] == integration_id:
                return each
        raise not_found("integration", integration_id)

    def _state(self, each: Json) -> str:
        activating = time.monotonic() - self._since < each.get("activatingFor", 0)
        return "ACTIVATING" if activating else str(each["reportedState"])

    def _entity(self, each: Json) -> Json:
        state = self._state(each)
        reported: Json = {
            "code": state,
            "effective": _STATES[state],
            "lastUpdated": "2026-01-01T00:00:00.000Z",
        }
        if "detail" in each:
            message = each["detail"]
            reported["detail"] = {"message": message, "messageWithParams": message, "messageParams": {}}
        return {
            "id": each["id"],
            "name": each["name"],
            "integrationType": {"id": each["integrationType"], "name": "Amazon EventBridge Source"},
            "intendedState": each["intendedState"],
            "reportedState": reported,
            "attributes": {"organizationId": ORGANIZATION_ID},
            "selfUri": f"/api/v2/integrations/{each['id']}",
        }
