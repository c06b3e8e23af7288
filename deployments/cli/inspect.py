"""`inspect`: what is known of an interaction."""

from __future__ import annotations

import asyncio


def inspect(interaction_id: str, *, reveal: bool = False, json: bool = False) -> int:
    """Show what is known of an interaction: record, quarantine, dead letters, runs.

    The exit code is 0 for a known interaction, 1 for an unknown one, 2 when it could not be looked up.

    Args:
        interaction_id: The interaction's UUID.
        reveal: Show names and addresses of persons, too.
        json: Print JSON.
    """
    # Prefect takes seconds to import, and the other commands do not need it.
    from deployments.inspect.output import show  # noqa: PLC0415

    return asyncio.run(show(interaction_id, reveal=reveal, as_json=json))
