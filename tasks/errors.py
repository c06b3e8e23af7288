"""The tree of errors of the package `tasks`, with the module of each.

    PipelineError                           errors
    ├── PermanentError                      errors                      not retried: quarantined or deferred
    │   ├── InternalError                   errors                      a bug of this program
    │   ├── ConversationNotFound            errors                      no attempt returned the conversation
    │   ├── RetriesExhausted                errors                      no attempt reached Genesys
    │   ├── UnreadableConversation          errors                      Genesys's answer is no conversation
    │   ├── WorkerLost                      errors                      the worker died each time it ran the batch
    │   ├── AnalyticsNotInstalled           errors                      this worker has no extra `analytics`
    │   ├── ItemRefused                     stores.errors               AWS will never accept this item
    │   ├── InvalidRequest                  errors                      what a person asks for cannot be done so
    │   │   ├── InvalidReplayRequest        operations.replay_request   parameters of replay
    │   │   ├── InvalidInterval             operations.intervals        parameters of reconcile and publish
    │   │   └── InvalidErasureRequest       operations.erasure_request  parameters of erase
    │   ├── InvalidSql                      lake.asking.query           a question that is not one SELECT
    │   ├── Misconfigured                   genesys.errors              a wrong setting or role; also GenesysError
    │   │   ├── InvalidHost                 genesys.errors              a region or URL that is not Genesys's
    │   │   ├── AuthenticationFailed        genesys.errors              the login host refused this client
    │   │   └── NotPermitted                genesys.errors              the client's roles do not allow the call
    │   ├── JobFailed                       genesys.errors              a details job has no results; also GenesysError
    │   └── BadRequest                      genesys.errors              Genesys refuses this request; also GenesysError
    │       ├── ResponseTooLarge            genesys.errors              more than Genesys returns at once
    │       └── JobExpired                  genesys.errors              a details job or its cursor is too old
    ├── TransientError                      errors                      retried by the task, then by a later run
    │   ├── RetryLater                      genesys.errors              has `retry_after`; also GenesysError
    │   │   ├── Throttled                   genesys.errors              too many requests to Genesys
    │   │   └── Unavailable                 genesys.errors              no or half an answer; 408, 500, 502, 503, 504
    │   │       └── RateLimiterUnavailable  genesys.errors              also DependencyUnavailable
    │   ├── LakeConflict                    lake.errors                 others have committed to a table of analytics
    │   └── DependencyUnavailable           errors                      the whole run is rescheduled
    │       ├── BadSettings                 errors                      this worker's environment is wrong
    │       │   └── BlockUnusable           blocks                      a block that a setting names is missing or wrong
    │       ├── LimitMissing                concurrency                 a concurrency limit is missing or inactive
    │       └── StoreUnavailable            stores.errors               no answer from AWS, or a 5xx
    │           ├── StoreThrottled          stores.errors               too many requests to AWS
    │           └── StoreMisconfigured      stores.errors               a wrong name, permission or clock
    └── GenesysError                        genesys.errors              has status, correlation id, region, code

PermanentError and TransientError decide what happens after a failure. An error with parents in two branches is drawn
in one of them and names the other parent. `code` is a stable name: it is stored in quarantine rows and shown in run
messages. A message never quotes a value of an event or a record.

Outside the tree: EventRejected (events.rejection), which ends the parsing of one event and does not leave `events`.
"""

from __future__ import annotations

from typing import Self


class PipelineError(Exception):
    """An expected failure at a boundary; `code` is a stable kebab-case name, stored and shown."""

    code = "error"


class PermanentError(PipelineError):
    """A retry cannot help."""


class TransientError(PipelineError):
    """A later retry can help."""


class DependencyUnavailable(TransientError):
    """A store, the Prefect server or a limit is unavailable: nothing of the run can be finished now."""

    code = "not-ready"


class BadSettings(DependencyUnavailable):
    """This worker's environment is wrong: its runs are rescheduled until a worker with a right one takes them."""

    code = "bad-settings"


class InvalidRequest(PermanentError):
    """What a person asks for cannot be done as it was asked; the text says what to change, and nothing was done."""

    code = "invalid-request"


class InternalError(PermanentError):
    """A bug of this program, hit by one interaction; kept in quarantine for a replay after the fix."""

    code = "internal-error"

    @classmethod
    def from_exception(cls, error: Exception) -> Self:
        """Return the error with the place where it was raised, without its message: that may quote personal data."""
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f"{trace.tb_frame.f_code.co_name}, line {trace.tb_lineno}" if trace else "unknown"
        return cls(f"{_name(error)} in {where}: a bug of ours; replay after the next release")


def _name(error: Exception) -> str:
    """Return the error's class, with AWS's code where it has one."""
    name = type(error).__name__
    if isinstance(error, ExceptionGroup):
        return f"{name} of {_name(error.exceptions[0])}"
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    return f"{name} ({code})" if code else name


class ConversationNotFound(PermanentError):
    """Genesys did not return the conversation in any attempt."""

    code = "never-known"


class RetriesExhausted(PermanentError):
    """Genesys could not be asked in any attempt."""

    code = "gave-up"


class UnreadableConversation(PermanentError):
    """Genesys's answer is no JSON object or has no conversation id."""

    code = "unreadable-conversation"


class WorkerLost(PermanentError):
    """The worker died each time it ran this batch."""

    code = "worker-lost"


class AnalyticsNotInstalled(PermanentError):
    """What reads and writes the tables is not installed where this runs."""

    code = "analytics-not-installed"
