"""The two roots that decide what happens after a failure.

Every error that one of our boundaries raises derives from one of these; anything else is a bug of ours and
is left to be loud.

    PipelineError
    ├── PermanentError    never retried: the interaction goes to quarantine with the reason
    └── TransientError    retried by the task, then by a later run
        └── NotReady      the pipeline itself cannot work now: the whole run goes back and waits
"""

from __future__ import annotations


class PipelineError(Exception):
    """An expected failure at a boundary; `code` is a stable kebab-case name for it."""

    code = "error"


class PermanentError(PipelineError):
    """Trying again cannot help."""


class TransientError(PipelineError):
    """Trying again later can help."""


class NotReady(TransientError):
    """The store is down or a limit is missing: nothing of the run can be finished now, and nothing is lost."""

    code = "not-ready"
