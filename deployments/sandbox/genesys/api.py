"""The API: what each of Genesys's endpoints answers when nothing goes wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import orjson

from deployments.sandbox.genesys import queries
from deployments.sandbox.genesys.errors import bad_request, not_found
from deployments.sandbox.genesys.operations import operational
from deployments.sandbox.genesys.options import canonical
from deployments.sandbox.genesys.organization import ORGANIZATION_ID

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployments.sandbox.genesys.scene import Json
    from deployments.sandbox.genesys.simulator import Simulator

DETAILS = ("analytics:conversationDetail:view",)
CONVERSATION = ("conversation:communication:view",)
INTEGRATION = ("integrations:integration:view",)
LIMITS_NAMESPACE = "platform.api"


@dataclass(frozen=True, slots=True)
class Call:
    """One authorized call: the path's parameter, the query string and the body."""

    simulator: Simulator
    id: str
    query: dict[str, list[str]]
    body: bytes


def _conversation_id(call: Call) -> str:
    return canonical(call.id) or ""


def _view(call: Call) -> Json:
    simulator, conversation_id = call.simulator, _conversation_id(call)
    if not conversation_id:
        raise not_found("conversation", call.id[:60])
    details = simulator.registry.view(conversation_id, simulator.faults, simulator.now())
    simulator.ids_requested += 1
    if details is None:
        raise not_found("conversation", conversation_id)
    simulator.given_out += 1
    return details


def one_details(call: Call) -> Json:
    """GET /api/v2/analytics/conversations/{id}/details."""
    return _view(call)


def many_details(call: Call) -> Json:
    """GET /api/v2/analytics/conversations/details?id=: unknown ids are left out."""
    simulator = call.simulator
    wanted = _wanted_ids(call)
    simulator.ids_requested += len(wanted)
    moment = simulator.now()
    views = (simulator.registry.view(each, simulator.faults, moment) for each in wanted)
    found = [view for view in views if view is not None]
    simulator.given_out += len(found)
    return {"conversations": found} if found else {}


def _wanted_ids(call: Call) -> list[str]:
    faults = call.simulator.faults
    given = [part.strip() for value in call.query.get("id", []) for part in value.split(",") if part.strip()]
    if not given:
        raise bad_request("The parameter id is required.", "invalid.query.param.value")
    if len(given) > faults.ids_max:
        text = f"The number of ids may not exceed {faults.ids_max}."
        raise bad_request(text, "invalid.query.param.value")
    ids = [canonical(each) for each in given]
    if None in ids or not faults.reject_ids.isdisjoint(ids):
        raise bad_request("The request could not be understood by the server due to malformed syntax.")
    return list(dict.fromkeys(each for each in ids if each))


def details_query(call: Call) -> Json:
    """POST /api/v2/analytics/conversations/details/query."""
    try:
        body = orjson.loads(call.body)
    except orjson.JSONDecodeError as error:
        raise bad_request("The request body is not JSON.") from error
    simulator = call.simulator
    return queries.answer(simulator.registry, simulator.faults, simulator.now(), queries.parse(body))


def one_conversation(call: Call) -> Json:
    """GET /api/v2/conversations/{id}."""
    return operational(_view(call))


def _plain(call: Call) -> dict[str, str]:
    return {name: values[-1] for name, values in call.query.items()}


def list_integrations(call: Call) -> Json:
    """GET /api/v2/integrations."""
    return call.simulator.integrations.listing(_plain(call))


def one_integration(call: Call) -> Json:
    """GET /api/v2/integrations/{id}."""
    return call.simulator.integrations.one(call.id)


def integration_configuration(call: Call) -> Json:
    """GET /api/v2/integrations/{id}/config/current."""
    return call.simulator.integrations.configuration(call.id)


def my_organization(call: Call) -> Json:  # noqa: ARG001 - one signature for all
    """GET /api/v2/organizations/me."""
    return {"id": ORGANIZATION_ID, "name": "Simulated Organization", "state": "active"}


def token_limits(call: Call) -> Json:
    """GET /api/v2/organizations/limits/namespaces/{namespace}: of one namespace, the platform's own."""
    if call.id != LIMITS_NAMESPACE:
        raise not_found("namespace", call.id[:60])
    allowed = call.simulator.faults.rate_limit
    limits = {"client.credentials.token.rate.per.minute": allowed, "token.rate.per.minute": allowed}
    return {"entities": [{"namespace": call.id, "key": key, "value": value} for key, value in limits.items()]}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A method and a path, any of the permissions that open it, and its answer."""

    method: str
    path: str
    answer: Callable[[Call], Any]
    permissions: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name that requests are counted under."""
        return f"{self.method} {self.path}"


_ANALYTICS = "/api/v2/analytics/conversations"
ENDPOINTS = (
    Endpoint("GET", f"{_ANALYTICS}/details", many_details, DETAILS),
    Endpoint("POST", f"{_ANALYTICS}/details/query", details_query, DETAILS),
    Endpoint("GET", _ANALYTICS + "/{id}/details", one_details, DETAILS),
    Endpoint("GET", "/api/v2/conversations/{id}", one_conversation, CONVERSATION),
    Endpoint("GET", "/api/v2/integrations", list_integrations, INTEGRATION),
    Endpoint("GET", "/api/v2/integrations/{id}", one_integration, INTEGRATION),
    Endpoint("GET", "/api/v2/integrations/{id}/config/current", integration_configuration, INTEGRATION),
    Endpoint("GET", "/api/v2/organizations/me", my_organization),
    Endpoint("GET", "/api/v2/organizations/limits/namespaces/{id}", token_limits),
)
_PATTERNS = [(re.compile(each.path.replace("{id}", "(?P<id>[^/]+)")), each) for each in ENDPOINTS]


def find(path: str) -> list[tuple[Endpoint, str]]:
    """Return the endpoints at a path, each with the path's parameter."""
    matches = [(pattern.fullmatch(path), endpoint) for pattern, endpoint in _PATTERNS]
    return [(endpoint, match.groupdict().get("id", "")) for match, endpoint in matches if match]


def call(simulator: Simulator, path_id: str, query: bytes, body: bytes) -> Call:
    """Return the call that a request makes."""
    return Call(simulator, path_id, parse_qs(query.decode("latin-1"), keep_blank_values=True), body)
