"""ApiExchange: one request to login or API, its authorization and its endpoint's response.

The order of the checks is Genesys's as far as it is visible: token, rate limit, then the endpoint. An invalid
token does not use up a rate limit.
"""

from __future__ import annotations

from email.utils import formatdate
from math import ceil
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from starlette.datastructures import Headers

from deployments.sandbox.genesys.http.endpoints import Endpoint, endpoint_call, find_endpoints
from deployments.sandbox.genesys.http.errors import (
    TOO_MANY_REQUESTS,
    ApiError,
    OAuthError,
    error_for_status,
    method_not_allowed,
    missing_permission,
    not_found,
    too_many_requests,
)

if TYPE_CHECKING:
    from starlette.types import Scope

    from deployments.sandbox.genesys.simulator import Simulator

TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path


class ApiExchange:
    """A request, with the headers that its response will carry."""

    def __init__(self, simulator: Simulator, scope: Scope) -> None:
        self.simulator = simulator
        self.path: str = scope["path"]
        self.method: str = scope["method"]
        self.query: bytes = scope["query_string"]
        self.target = (scope["raw_path"] + (b"?" + self.query if self.query else b"")).decode("latin-1")
        self.headers = Headers(scope=scope)
        self.moment = simulator.now()
        self.correlation_id = str(uuid4())
        self.limit_headers: dict[str, str] = {}
        self.is_login = self.path == TOKEN_PATH
        self.found = find_endpoints(self.path)

    def count(self) -> None:
        """Count the request under its endpoint's name, and store its target (path and query)."""
        self.simulator.targets.append(self.target)
        name = next((each.name for each, _ in self.found if each.method == self.method), "other")
        self.simulator.all_requests.add("POST /oauth/token" if self.is_login else name, self.moment)
        if not self.is_login:
            self.simulator.api_requests.add(name, self.moment)

    def authorize(self) -> None:
        """Check throttle, token and rate limit. Raises the 401 or 429."""
        faults = self.simulator.faults
        token = None if self.is_login else self._token()
        if token is not None:
            usage = self.simulator.limits.count(token, self.moment, faults.rate_limit, faults.rate_window)
            self.limit_headers = usage.headers()
        throttle = faults.throttled(self.moment)
        if throttle:
            faults.record("throttle")
            raise too_many_requests(throttle.retry_after, faults.rate_limit, faults.rate_window)
        if self.is_login:
            return
        if token is None:
            self.simulator.tokens.check(self.headers.get("authorization", ""), self.moment)
        elif usage.exceeded:
            raise too_many_requests(usage.reset, faults.rate_limit, faults.rate_window)

    def _token(self) -> str | None:
        try:
            return self.simulator.tokens.check(self.headers.get("authorization", ""), self.moment)
        except ApiError:
            return None

    @property
    def status(self) -> int:
        """The status of a success."""
        return next((each.status for each, _ in self.found if each.method == self.method), 200)

    def respond(self, body: bytes) -> Any:
        """Return the response's JSON: a token, or what the endpoint returns. Raises an ApiError."""
        simulator = self.simulator
        if self.is_login:
            if self.method != "POST":
                raise method_not_allowed()
            return simulator.tokens.issue(self.headers, body, simulator.now(), simulator.faults.token_life)
        endpoint, path_id = self._endpoint()
        if self.method == "POST" and not self._is_json():
            raise error_for_status(415)
        if endpoint.missing(simulator.faults.missing_permission):
            raise missing_permission(endpoint.permissions, every=endpoint.every)
        return endpoint.respond(endpoint_call(simulator, path_id, self.query, body))

    def _endpoint(self) -> tuple[Endpoint, str]:
        if not self.found:
            raise not_found("resource", self.path[:80])
        for endpoint, path_id in self.found:
            if endpoint.method == self.method:
                return endpoint, path_id
        raise method_not_allowed()

    def _is_json(self) -> bool:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"

    def injected_error(self) -> ApiError:
        """Return the error of the fault setting `status`, with the login's body where that differs."""
        faults = self.simulator.faults
        if faults.status == TOO_MANY_REQUESTS:
            return too_many_requests(ceil(faults.rate_window), faults.rate_limit, faults.rate_window)
        if self.is_login and faults.status in (400, 401):
            return OAuthError(faults.status, "invalid_client", "authentication failed")
        return error_for_status(faults.status)

    def response_headers(self) -> dict[str, str]:
        """Return the headers of every response, whatever its status."""
        moment = self.simulator.now() + self.simulator.faults.date_offset
        return {
            "Date": formatdate(moment, usegmt=True),
            "ININ-Correlation-Id": self.correlation_id,
            "Cache-Control": "no-cache, no-store",
            **self.limit_headers,
        }
