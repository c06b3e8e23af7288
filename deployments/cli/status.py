"""`status`: what the whole pipeline does at this moment, and what to do about it."""

from __future__ import annotations

import asyncio


def status(*, json: bool = False) -> int:
    """Show what waits, what is wrong, since when, and what to do about it.

    The exit code is 0 when nothing needs a person, 1 when something does, 2 for settings that cannot work.

    Args:
        json: Print JSON.
    """
    # Prefect takes seconds to import, and the other commands do not need it.
    from deployments.status.output import show  # noqa: PLC0415

    return asyncio.run(show(as_json=json))
