"""The error responses of login and API, with Genesys's codes and bodies.

ApiError        any other status than 200; its body is Genesys's ErrorBody
  OAuthError    of /oauth/token; its body has `error` and `error_description`
EndlessAnswer   no error: a success without end
"""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """An error response: status, code, message and further fields of the ErrorBody."""

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
        """Return the JSON body; the correlation id is its contextId."""
        return {**self._fields, "contextId": correlation_id, "details": [], "errors": []}


class EndlessAnswer(Exception):
    """A success whose body is larger than any client should read."""


class OAuthError(ApiError):
    """An error response of /oauth/token."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(status, error, description)
        self._login = {"error": error, "description": description, "error_description": description}

    def body(self, correlation_id: str) -> dict[str, Any]:  # noqa: ARG002 - not in this body
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
TOO_MANY_REQUESTS = 429
STATUSES = tuple(sorted({*_CODES, TOO_MANY_REQUESTS}))


def error_for_status(status: int) -> ApiError:
    """Return Genesys's error for one of STATUSES other than 429, which is `too_many_requests`."""
    return ApiError(status, *_CODES[status])


def bad_request(message: str, code: str = "bad.request") -> ApiError:
    """Return a 400."""
    return ApiError(400, code, message)


def response_too_large(*, query: bool) -> ApiError:
    """Return the refusal of a response that is too large: 413 for a details query, 400 for anything else."""
    if query:
        return ApiError(413, "payload.too.large", "The response payload was too large.")
    text = "Reduce pageSize or expand list to reduce response size if applicable"
    return bad_request(f"The response is over the size limit. {text}", "response.entity.too.large")


def not_found(kind: str, identifier: str) -> ApiError:
    """Return the 404 of an unknown id."""
    message = f"The requested {kind} ({identifier}) was not found."
    return ApiError(404, "not.found", message, entityId=identifier, entityName=kind)


def method_not_allowed() -> ApiError:
    """Return the 405 of a path that is known with other methods only."""
    return ApiError(405, "method.not.allowed", "HTTP 405 Method Not Allowed")


def too_many_requests(retry_after: int | None, limit: int, window: float) -> ApiError:
    """Return a 429; with `retry_after` (s) its header, code and message say how long to wait."""
    if retry_after is None:
        text = f"Rate limit exceeded the maximum [{limit}] requests within [{window:g}] seconds"
        return ApiError(TOO_MANY_REQUESTS, "too.many.requests", text)
    text = f"Rate limit exceeded the maximum. Retry the request in [{retry_after}] seconds"
    code = "too.many.requests.retry.after"
    return ApiError(TOO_MANY_REQUESTS, code, text, headers={"Retry-After": str(retry_after)})


def missing_permission(permissions: tuple[str, ...], *, every: bool = False) -> ApiError:
    """Return the 403 of a client whose roles have none of the permissions; with `every`, not all of them."""
    names = ", ".join(permissions)
    text = "You must have at least one of the following permissions assigned:"
    if every:
        text = "You are missing the following permission(s):"
    text = f"Unable to perform the requested action. {text} [{names}]"
    code = "missing.permissions" if every else "missing.any.permissions"
    return ApiError(403, code, text, messageParams={"permissions": names})
