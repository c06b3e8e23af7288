"""Genesys Cloud: its hosts, its tokens, its conversation details, its directory, and its request limit.

Genesys says conversation where the rest of this project says interaction; they are the same thing.
"""

from __future__ import annotations

from tasks.genesys.auth import Authenticator
from tasks.genesys.client import PAGE_SIZE, GenesysClient
from tasks.genesys.clock import Clock
from tasks.genesys.directory import NameKind
from tasks.genesys.errors import (
    AuthenticationFailed,
    BadRequest,
    GenesysError,
    InvalidHost,
    JobExpired,
    JobFailed,
    Misconfigured,
    NotPermitted,
    RateLimiterUnavailable,
    ResponseTooLarge,
    RetryLater,
    Throttled,
    Unavailable,
)
from tasks.genesys.jobs import DetailsJobs, JobState, SubmittedJob
from tasks.genesys.rate_limit.limiter import RateLimiter, Usage
from tasks.genesys.rate_limit.shared_window import SharedWindow
from tasks.genesys.rate_limit.store import DynamoWindowStore, MemoryWindowStore
from tasks.genesys.regions import resolve
from tasks.genesys.results import ConversationBatch, JobPage, QueryPage
from tasks.genesys.transport import Transport

__all__ = [
    "PAGE_SIZE",
    "AuthenticationFailed",
    "Authenticator",
    "BadRequest",
    "Clock",
    "ConversationBatch",
    "DetailsJobs",
    "DynamoWindowStore",
    "GenesysClient",
    "GenesysError",
    "InvalidHost",
    "JobExpired",
    "JobFailed",
    "JobPage",
    "JobState",
    "MemoryWindowStore",
    "Misconfigured",
    "NameKind",
    "NotPermitted",
    "QueryPage",
    "RateLimiter",
    "RateLimiterUnavailable",
    "ResponseTooLarge",
    "RetryLater",
    "SharedWindow",
    "SubmittedJob",
    "Throttled",
    "Transport",
    "Unavailable",
    "Usage",
    "resolve",
]
