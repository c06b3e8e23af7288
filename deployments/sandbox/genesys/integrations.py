"""Integrations: the EventBridge integration as an administrator set it up."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from deployments.sandbox.genesys.errors import bad_request, not_found
from deployments.sandbox.genesys.options import one_of, read, text, texts
from deployments.sandbox.genesys.organization import ORGANIZATION_ID, fixed_id

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from deployments.sandbox.genesys.scene import Json

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
    "eventFilter": texts,
}


class Integrations:
    """The integrations of the organization."""

    def __init__(self) -> None:
        self._all: list[Json] = [DEFAULT]

    def replace(self, wanted: Any) -> list[Json]:
        """Set the whole list; each entry takes what it does not name from the default."""
        if not isinstance(wanted, list):
            raise ValueError("wanted a list of integrations")  # noqa: TRY004 - it is answered with 400
        self._all = [DEFAULT | {"id": str(uuid4())} | read(each, _READERS) for each in wanted]
        return self._all

    def plain(self) -> list[Json]:
        """Return the list as `replace` takes it."""
        return self._all

    def listing(self, query: Mapping[str, str]) -> Json:
        """Return a page of the integrations, filtered by type and by state."""
        kind, state = query.get("integrationType"), query.get("reportedState", "").upper()
        if state not in ("", *_STATES):
            raise bad_request(f"reportedState must be one of {', '.join(_STATES)}.", "invalid.value")
        found = [each for each in self._all if kind in (None, each["integrationType"])]
        found = [each for each in found if state in ("", each["reportedState"])]
        try:
            size, number = int(query.get("pageSize", "25")), int(query.get("pageNumber", "1"))
        except ValueError as error:
            raise bad_request("pageSize and pageNumber must be numbers.", "invalid.value") from error
        if size < 1 or number < 1:
            raise bad_request("pageSize and pageNumber must be 1 or more.", "invalid.value")
        page = found[(number - 1) * size : number * size]
        pages = -(-len(found) // size)
        return {
            "entities": [_entity(each) for each in page],
            "pageSize": size,
            "pageNumber": number,
            "total": len(found),
            "pageCount": pages,
        }

    def one(self, integration_id: str) -> Json:
        """Return an integration."""
        return _entity(self._find(integration_id))

    def configuration(self, integration_id: str) -> Json:
        """Return the current configuration of an integration: the account, the region, the topics."""
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


def _entity(each: Json) -> Json:
    return {
        "id": each["id"],
        "name": each["name"],
        "integrationType": {"id": each["integrationType"], "name": "Amazon EventBridge Source"},
        "intendedState": each["intendedState"],
        "reportedState": {
            "code": each["reportedState"],
            "effective": _STATES[each["reportedState"]],
            "lastUpdated": "2026-01-01T00:00:00.000Z",
        },
        "attributes": {"organizationId": ORGANIZATION_ID},
        "selfUri": f"/api/v2/integrations/{each['id']}",
    }
