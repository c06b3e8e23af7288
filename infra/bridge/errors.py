"""Why a batch is not accepted.

Exception
├── DeliveryHalted   nothing more can be posted now: messages that are not accepted yet return to the buffer
└── BatchRefused     Prefect refused this batch for its content: it is split until the offender is alone
"""

from __future__ import annotations


class DeliveryHalted(Exception):
    """An outage, back-pressure or the end of the time. `code`: a kebab-case name; `status`: of HTTP, if any."""

    def __init__(self, code: str, status: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.status = status


class BatchRefused(Exception):
    """Prefect answered `status` because of the batch's content; `reason` is short and quotes nothing."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"refused with {status}")
        self.status = status
        self.reason = reason
