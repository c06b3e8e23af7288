"""Genesys Cloud: its hosts, its tokens, its conversation details, and the budget of requests it grants.

Genesys says conversation where the rest of this project says interaction; they are the same thing.
"""

from __future__ import annotations

from tasks.genesys.auth import Authenticator
from tasks.genesys.budget import RequestBudget, SharedBudget, Usage
from tasks.genesys.client import GenesysClient
from tasks.genesys.clock import Clock
from tasks.genesys.errors import (
    AuthenticationFailed,
    BadRequest,
    BudgetUnavailable,
    GenesysError,
    InvalidHost,
    Misconfigured,
    NotPermitted,
    RetryLater,
    Throttled,
    Unavailable,
)
from tasks.genesys.fetch import Fetch, QueryPage
from tasks.genesys.ledger import DynamoLedger, MemoryLedger
from tasks.genesys.regions import Hosts, resolve
from tasks.genesys.tally import Tally
from tasks.genesys.transport import Transport

__all__ = [
    "AuthenticationFailed",
    "Authenticator",
    "BadRequest",
    "BudgetUnavailable",
    "Clock",
    "DynamoLedger",
    "Fetch",
    "GenesysClient",
    "GenesysError",
    "Hosts",
    "InvalidHost",
    "MemoryLedger",
    "Misconfigured",
    "NotPermitted",
    "QueryPage",
    "RequestBudget",
    "RetryLater",
    "SharedBudget",
    "Tally",
    "Throttled",
    "Transport",
    "Unavailable",
    "Usage",
    "resolve",
]
