"""Refusals: the answers that are not 200, with the bodies that Genesys gives them.

An API error is an ErrorBody; the login's errors have a shape of their own (`error`, `error_description`).
"""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """An API error: a status, a code, a message and further fields of Genesys's ErrorBody."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: dict[str, str] | None = None,
        **fields: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self._fields = {"message": message, "code": code, "status": status, **fields}

    def body(self, correlation_id: str) -> dict[str, Any]:
        """Return the JSON body for the request with this correlation id."""
        return {**self._fields, "contextId": correlation_id, "details": [], "errors": []}


class LoginRefusal(Refusal):
    """An error of /oauth/token."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(status, error, description)
        self._login = {"error": error, "description": description, "error_description": description}

    def body(self, correlation_id: str) -> dict[str, Any]:  # noqa: ARG002 - the login's body has none
        """Return the JSON body."""
        return dict(self._login)


_CODES = {
    400: ("bad.request", "The request could not be understood by the server due to malformed syntax."),
    401: ("bad.credentials", "Invalid login credentials."),
    403: ("not.authorized", "You are not authorized to perform the requested action."),
    404: ("not.found", "The requested resource was not found."),
    408: ("client.timeout", "The client took too long to send the request."),
    409: ("request.conflict", "The request conflicts with the current state of the target resource."),
    413: ("request.entity.too.large", "The request is over the size limit."),
    415: ("unsupported.media.type", "Unsupported media type, such as an incorrect Content-Type."),
    500: ("internal.server.error", "The server encountered an unexpected condition which prevented it."),
    502: ("bad.gateway", "Bad gateway"),
    503: ("service.unavailable", "Service Unavailable - The server is currently unavailable."),
    504: ("request.timeout", "The request timed out."),
}
TOO_MANY = 429
STATUSES = tuple(sorted({*_CODES, TOO_MANY}))


def failure(status: int) -> Refusal:
    """Return the error that Genesys gives with a status of STATUSES but 429, which is `too_many`."""
    return Refusal(status, *_CODES[status])


def bad_request(message: str, code: str = "bad.request") -> Refusal:
    """Return a 400."""
    return Refusal(400, code, message)


def not_found(kind: str, identifier: str) -> Refusal:
    """Return the 404 of an id that Genesys does not know."""
    message = f"The requested {kind} ({identifier}) was not found."
    return Refusal(404, "not.found", message, entityId=identifier, entityName=kind)


def too_many(retry_after: int | None, limit: int, window: float) -> Refusal:
    """Return a 429: the one that says how long to wait, or without `retry_after` the one that does not."""
    if retry_after is None:
        text = f"Rate limit exceeded the maximum [{limit}] requests within [{window:g}] seconds"
        return Refusal(TOO_MANY, "too.many.requests", text)
    text = f"Rate limit exceeded the maximum. Retry the request in [{retry_after}] seconds"
    code = "too.many.requests.retry.after"
    return Refusal(TOO_MANY, code, text, headers={"Retry-After": str(retry_after)})


def missing_permission(permissions: tuple[str, ...]) -> Refusal:
    """Return the 403 of a client whose roles lack a permission."""
    names = ", ".join(permissions)
    text = f"Unable to perform the requested action. You must have at least one of the following: [{names}]"
    return Refusal(403, "missing.any.permissions", text, messageParams={"permissions": names})
