"""Fields of the forms that start an operation: Prefect refuses what does not fit, before there is a run."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, WithJsonSchema

from tasks.values import UUID_PATTERN

Words = Annotated[str, Field(pattern=r"^[^@+\n]{0,200}$")]
"""At most 200 characters without @ and +: no e-mail address and no number with its country. Prefect refuses others."""
CustomerKey = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""A key that `tasks/records/customer_keys.py` makes. Prefect refuses an address in its place."""
InteractionId = Annotated[str, WithJsonSchema({"type": "string", "pattern": rf"^\s*{UUID_PATTERN}\s*$"})]
"""A UUID, in capitals or between blanks, too. The form alone refuses others: a flow says which one it is by its place,
where pydantic would have the run end as Failed."""
