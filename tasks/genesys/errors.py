"""Errors of the Genesys client; the tree is drawn in tasks/errors.py.

Messages hold hosts, statuses and Genesys's error codes; never a token, a secret, or prose of a response.
"""

from __future__ import annotations

from tasks.errors import DependencyUnavailable, PermanentError, PipelineError, TransientError


class GenesysError(PipelineError):
    """Root. Attributes are None when the failure came before a response."""

    code = "genesys-error"

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        correlation_id: str | None = None,
        region: str | None = None,
        genesys_code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.correlation_id = correlation_id
        self.region = region
        self.genesys_code = genesys_code


class RetryLater(GenesysError, TransientError):
    """A failure that may pass; `retry_after` is the wait that was asked for, in seconds, or 0."""

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        status: int | None = None,
        correlation_id: str | None = None,
        region: str | None = None,
        genesys_code: str | None = None,
    ) -> None:
        super().__init__(
            message, status=status, correlation_id=correlation_id, region=region, genesys_code=genesys_code
        )
        self.retry_after = retry_after or 0.0

    @property
    def asked_to_wait(self) -> bool:
        """Whether a wait was asked for."""
        return self.retry_after > 0


class Throttled(RetryLater):
    """Genesys or the rate limiter asks to wait `retry_after` seconds."""

    code = "throttled"

    @property
    def asked_to_wait(self) -> bool:
        """Always."""
        return True


class Unavailable(RetryLater):
    """Genesys gave no usable response."""

    code = "unavailable"


class RateLimiterUnavailable(Unavailable, DependencyUnavailable):
    """The shared window of requests cannot be read or written, so nothing may be sent."""

    code = "budget-unavailable"


class Misconfigured(GenesysError, PermanentError):
    """No request of this client can succeed until somebody changes a setting or a role."""

    code = "misconfigured"


class InvalidHost(Misconfigured):
    """A region or URL in the settings is not of Genesys Cloud."""

    code = "invalid-host"


class AuthenticationFailed(Misconfigured):
    """The login host refused the client id and secret, or the API refused a fresh token."""

    code = "authentication-failed"


class NotPermitted(Misconfigured):
    """The OAuth client's roles or divisions do not allow the call."""

    code = "not-permitted"


class BadRequest(GenesysError, PermanentError):
    """Genesys refuses this request, now and later."""

    code = "bad-request"


class ResponseTooLarge(BadRequest):
    """What was asked for is more than Genesys returns in one response: ask for less at once."""

    code = "response-too-large"


class JobExpired(BadRequest):
    """Genesys no longer has a details job, or refuses its cursor: the job is submitted anew."""

    code = "job-expired"


class JobFailed(GenesysError, PermanentError):
    """A details job ended without results."""

    code = "job-failed"
