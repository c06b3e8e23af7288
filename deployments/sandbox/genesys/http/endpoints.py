"""The API's endpoints: method, path, permissions and response of each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import orjson

from deployments.sandbox.genesys.control.validation import canonical_id
from deployments.sandbox.genesys.conversations.operational import operational
from deployments.sandbox.genesys.conversations.organization import ORGANIZATION_ID
from deployments.sandbox.genesys.conversations.timestamps import timestamp
from deployments.sandbox.genesys.http.directory import KINDS, look_up
from deployments.sandbox.genesys.http.errors import EndlessAnswer, bad_request, not_found
from deployments.sandbox.genesys.queries.jobs import available_until
from deployments.sandbox.genesys.queries.query import parse_query, run_query

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployments.sandbox.genesys.conversations import Json
    from deployments.sandbox.genesys.simulator import Simulator

DETAILS = ("analytics:conversationDetail:view",)
CONVERSATION = ("conversation:communication:view",)
INTEGRATION = ("integrations:integration:view",)
LIMITS_NAMESPACE = "platform.api"


@dataclass(frozen=True, slots=True)
class EndpointCall:
    """An authorized request: the path's parameter, the query string and the body."""

    simulator: Simulator
    id: str
    query: dict[str, list[str]]
    body: bytes


def _fetch(call: EndpointCall) -> Json:
    simulator, conversation_id = call.simulator, canonical_id(call.id)
    if conversation_id is None:
        raise not_found("conversation", call.id[:60])
    details = simulator.registry.fetch(conversation_id, simulator.faults, simulator.now())
    simulator.ids_requested += 1
    if details is None:
        raise not_found("conversation", conversation_id)
    simulator.conversations_returned += 1
    return details


def get_details(call: EndpointCall) -> Json:
    """GET /api/v2/analytics/conversations/{id}/details."""
    return _fetch(call)


def multi_get_details(call: EndpointCall) -> Json:
    """GET /api/v2/analytics/conversations/details?id=: without the unknown ids."""
    simulator = call.simulator
    requested = _requested_ids(call)
    simulator.ids_requested += len(requested)
    moment = simulator.now()
    fetched = (simulator.registry.fetch(each, simulator.faults, moment) for each in requested)
    found = [details for details in fetched if details is not None]
    simulator.conversations_returned += len(found)
    return {"conversations": found} if found else {}


def _requested_ids(call: EndpointCall) -> list[str]:
    faults = call.simulator.faults
    given = [part.strip() for value in call.query.get("id", []) for part in value.split(",") if part.strip()]
    if not given:
        raise bad_request("The parameter id is required.", "invalid.query.param.value")
    if len(given) > faults.ids_max:
        text = f"The number of ids may not exceed {faults.ids_max}."
        raise bad_request(text, "invalid.query.param.value")
    ids = [canonical_id(each) for each in given]
    if None in ids or not faults.reject_ids.isdisjoint(ids):
        raise bad_request("The request could not be understood by the server due to malformed syntax.")
    if not faults.endless_ids.isdisjoint(ids):
        faults.record("endless")
        raise EndlessAnswer
    return list(dict.fromkeys(each for each in ids if each))


def query_details(call: EndpointCall) -> Json:
    """POST /api/v2/analytics/conversations/details/query."""
    simulator, query = call.simulator, parse_query(_json(call.body))
    return run_query(simulator.registry, simulator.faults, simulator.now(), query)


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise bad_request("The request body is not JSON.") from error


def submit_job(call: EndpointCall) -> Json:
    """POST /api/v2/analytics/conversations/details/jobs."""
    simulator = call.simulator
    return simulator.jobs.submit(_json(call.body), simulator.faults, simulator.now())


def job_status(call: EndpointCall) -> Json:
    """GET /api/v2/analytics/conversations/details/jobs/{id}."""
    return call.simulator.jobs.status(call.id, call.simulator.now())


def job_results(call: EndpointCall) -> Json:
    """GET /api/v2/analytics/conversations/details/jobs/{id}/results?cursor=&pageSize=."""
    simulator = call.simulator
    body = simulator.jobs.results(call.id, call.query, simulator.registry, simulator.faults, simulator.now())
    simulator.conversations_returned += len(body.get("conversations", ()))
    return body


def jobs_availability(call: EndpointCall) -> Json:
    """GET /api/v2/analytics/conversations/details/jobs/availability."""
    simulator = call.simulator
    return {"dataAvailabilityDate": timestamp(available_until(simulator.faults, simulator.now()))}


def get_conversation(call: EndpointCall) -> Json:
    """GET /api/v2/conversations/{id}."""
    return operational(_fetch(call))


def list_integrations(call: EndpointCall) -> Json:
    """GET /api/v2/integrations."""
    return call.simulator.integrations.listing(call.query)


def get_integration(call: EndpointCall) -> Json:
    """GET /api/v2/integrations/{id}."""
    return call.simulator.integrations.one(call.id)


def integration_configuration(call: EndpointCall) -> Json:
    """GET /api/v2/integrations/{id}/config/current."""
    return call.simulator.integrations.configuration(call.id)


def _directory(kind: str, *permissions: str, every: bool = False) -> Endpoint:
    """Return the endpoint of a kind of the directory."""

    def respond(call: EndpointCall) -> Json:
        simulator = call.simulator
        found = look_up(KINDS[kind], call.query, simulator.faults.unknown_directory_ids)
        if kind == "users":
            simulator.users_returned |= {(each["name"], each["email"]) for each in found["entities"]}
        return found

    return Endpoint("GET", KINDS[kind].path, respond, permissions, every)


def my_organization(call: EndpointCall) -> Json:  # noqa: ARG001 - the signature of all endpoints
    """GET /api/v2/organizations/me."""
    return {"id": ORGANIZATION_ID, "name": "Simulated Organization", "state": "active"}


def token_limits(call: EndpointCall) -> Json:
    """GET /api/v2/organizations/limits/namespaces/{namespace}; the only one is platform.api."""
    if call.id != LIMITS_NAMESPACE:
        raise not_found("namespace", call.id[:60])
    rate = call.simulator.faults.rate_limit
    limits = {"client.credentials.token.rate.per.minute": rate, "token.rate.per.minute": rate}
    return {"entities": [{"namespace": call.id, "key": key, "value": value} for key, value in limits.items()]}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A method and a path, the permissions that a client needs, and the function that responds.

    A client needs one of the permissions; with `every`, all of them.
    """

    method: str
    path: str
    respond: Callable[[EndpointCall], Any]
    permissions: tuple[str, ...] = ()
    every: bool = False
    status: int = 200

    def missing(self, lacking: frozenset[str]) -> bool:
        """Return whether a client that lacks permissions may not call it."""
        return bool(self.permissions) and (all, any)[self.every](each in lacking for each in self.permissions)

    @property
    def name(self) -> str:
        """The name under which its requests are counted."""
        return f"{self.method} {self.path}"


_ANALYTICS = "/api/v2/analytics/conversations"
ENDPOINTS = (
    Endpoint("GET", f"{_ANALYTICS}/details", multi_get_details, DETAILS),
    Endpoint("POST", f"{_ANALYTICS}/details/query", query_details, DETAILS),
    Endpoint("POST", f"{_ANALYTICS}/details/jobs", submit_job, DETAILS, status=202),
    Endpoint("GET", f"{_ANALYTICS}/details/jobs/availability", jobs_availability, DETAILS),
    Endpoint("GET", _ANALYTICS + "/details/jobs/{id}", job_status, DETAILS),
    Endpoint("GET", _ANALYTICS + "/details/jobs/{id}/results", job_results, DETAILS),
    Endpoint("GET", _ANALYTICS + "/{id}/details", get_details, DETAILS),
    Endpoint("GET", "/api/v2/conversations/{id}", get_conversation, CONVERSATION),
    Endpoint("GET", "/api/v2/integrations", list_integrations, INTEGRATION),
    Endpoint("GET", "/api/v2/integrations/{id}", get_integration, INTEGRATION),
    Endpoint("GET", "/api/v2/integrations/{id}/config/current", integration_configuration, INTEGRATION),
    _directory("users", "directory:user:view"),
    _directory("queues", "routing:queue:view"),
    _directory("wrap-up codes", "routing:wrapupCode:view", every=True),
    _directory("divisions", "authorization:division:view"),
    Endpoint("GET", "/api/v2/organizations/me", my_organization),
    Endpoint("GET", "/api/v2/organizations/limits/namespaces/{id}", token_limits),
)
_PATTERNS = [(re.compile(each.path.replace("{id}", "(?P<id>[^/]+)")), each) for each in ENDPOINTS]


def find_endpoints(path: str) -> list[tuple[Endpoint, str]]:
    """Return the endpoints of a path, one for each method, with the path's parameter."""
    matches = [(pattern.fullmatch(path), endpoint) for pattern, endpoint in _PATTERNS]
    return [(endpoint, match.groupdict().get("id", "")) for match, endpoint in matches if match]


def endpoint_call(simulator: Simulator, path_id: str, query: bytes, body: bytes) -> EndpointCall:
    """Return the call of a request with this path parameter, query string and body."""
    return EndpointCall(simulator, path_id, parse_qs(query.decode("latin-1"), keep_blank_values=True), body)
