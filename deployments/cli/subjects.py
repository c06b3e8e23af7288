"""`erase` and `export`: what a person may ask for. Their addresses stay on this machine."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

Ids = Annotated[list[str] | None, Parameter(negative_iterable=())]
Repeated = Annotated[list[str] | None, Parameter(negative_iterable=())]


def erase(
    interaction_ids: Ids = None,
    /,
    *,
    contact: str | None = None,
    email: Repeated = None,
    phone: Repeated = None,
    dry_run: bool = True,
    reason: str = "",
    wait: bool = True,
    json: bool = False,
) -> int:
    """Erase a person's interactions; a dry run, which only counts, without --no-dry-run.

    An address becomes a key here, with CUSTOMER_KEYS_SECRET: Prefect gets no address. The exit code is 2 when the
    erasure failed or could not be started.

    Args:
        interaction_ids: Interactions by their UUIDs.
        contact: Every interaction that this external contact of Genesys's took part in.
        email: Every interaction of the customer with this e-mail address (repeatable).
        phone: Every interaction of the customer with this telephone number (repeatable), with its country: +15550100.
        dry_run: Only say what would be erased.
        reason: Why, for the receipt: a ticket's number, no name and no address. Needed to erase.
        wait: Wait until the run has ended.
        json: Print JSON.
    """
    from deployments.errors import BadValue  # noqa: PLC0415
    from deployments.subjects import erase as erasure  # noqa: PLC0415 - Prefect takes seconds to import
    from deployments.subjects.output import show_run  # noqa: PLC0415
    from deployments.subjects.subject import subject_of  # noqa: PLC0415

    if not (dry_run or reason.strip()):
        raise BadValue("give a reason (--reason), as a ticket's number: nothing was erased")
    subject = subject_of(interaction_ids or (), contact=contact, email=email or (), phone=phone or ())
    run = asyncio.run(erasure.start(subject, dry_run=dry_run, reason=reason.strip()))
    if wait:
        run = asyncio.run(erasure.ended(run))
    return show_run(run, erasure.link(run), as_json=json)


def export(
    *,
    id: Repeated = None,  # noqa: A002 - the flag's name
    contact: str | None = None,
    email: Repeated = None,
    phone: Repeated = None,
    output: Path = Path("export.zip"),
    json: bool = False,
) -> int:
    """Write a person's records and whole conversations to a zip file of JSON, which only its owner can read.

    The exit code is 0 for an export with interactions, 1 for one without, 2 when it could not be made.

    Args:
        id: An interaction by its UUID (repeatable).
        contact: Every interaction that this external contact of Genesys's took part in.
        email: Every interaction of the customer with this e-mail address (repeatable).
        phone: Every interaction of the customer with this telephone number (repeatable), with its country: +15550100.
        output: The file to make.
        json: Print JSON.
    """
    from deployments.subjects.output import write_export  # noqa: PLC0415
    from deployments.subjects.subject import subject_of  # noqa: PLC0415

    subject = subject_of(id or (), contact=contact, email=email or (), phone=phone or ())
    return write_export(subject, output, as_json=json)
