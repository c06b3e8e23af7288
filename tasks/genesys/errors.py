"""What can go wrong between us and Genesys Cloud.

    GenesysError
    ├── RetryLater (TransientError)
    │   ├── Throttled             too many requests; `retry_after` says when to come back
    │   └── Unavailable           no answer, half an answer, 408, 500, 502, 503, 504
    │       └── BudgetUnavailable the shared request counter cannot be reached (also NotReady)
    └── (PermanentError)
        ├── Misconfigured         a person has to change a setting or a role
        │   ├── InvalidHost           a region or URL that is none of Genesys's
        │   ├── AuthenticationFailed  the login host refused this client
        │   └── NotPermitted          the client's roles do not allow this
        └── BadRequest            Genesys refuses exactly this request

Texts name hosts, statuses and Genesys's own error codes; never a token, a secret, or what a body said in
prose.
"""

from __future__ import annotations

from tasks.errors import NotReady, PermanentError, PipelineError, TransientError


class GenesysError(PipelineError):
    """Root; every attribute may be None when the failure came before an answer."""

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
    """A failure that may come with the seconds to stay away."""

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
        """Whether we are to stay away, rather than that nobody answered."""
        return self.retry_after > 0


class Throttled(RetryLater):
    """Genesys or our own budget says: not now. `retry_after` is in seconds."""

    code = "throttled"

    @property
    def asked_to_wait(self) -> bool:
        """Always."""
        return True


class Unavailable(RetryLater):
    """Genesys did not answer, or not usefully. `retry_after` is 0 unless it named a time."""

    code = "unavailable"


class BudgetUnavailable(Unavailable, NotReady):
    """The shared counter of requests cannot be read or written, so nothing may be sent."""

    code = "budget-unavailable"


class Misconfigured(GenesysError, PermanentError):
    """No request of this client can succeed until a person changes something."""

    code = "misconfigured"


class InvalidHost(Misconfigured):
    """A region or URL in the settings is not one of Genesys Cloud."""

    code = "invalid-host"


class AuthenticationFailed(Misconfigured):
    """The login host refused the client id and secret, or the API refused a fresh token."""

    code = "authentication-failed"


class NotPermitted(Misconfigured):
    """The OAuth client's roles or divisions do not allow the call."""

    code = "not-permitted"


class BadRequest(GenesysError, PermanentError):
    """Genesys refuses this request, and would refuse it again."""

    code = "bad-request"
