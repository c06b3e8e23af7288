"""Why a person asks for an operation, and who they are: words that travel to Prefect and stay in receipts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Words = Annotated[str, Field(pattern=r"^[^@+\n]{0,200}$")]
"""At most 200 characters without @ and +: no e-mail address and no number with its country. Prefect refuses others."""
CustomerKey = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""A key that `tasks/records/customer_keys.py` makes. Prefect refuses an address in its place."""
