"""`inspect`: what is known of an interaction, or which interactions a customer has."""

from __future__ import annotations

import asyncio


def inspect(subject: str, *, reveal: bool = False, json: bool = False) -> int:
    """Show what is known of an interaction: record, quarantine, dead letters, runs. Or list a customer's interactions.

    The exit code is 0 for a known interaction or customer, 1 for an unknown one, 2 when it could not be looked up.

    Args:
        subject: The interaction's UUID; or a customer's e-mail address or telephone number with its country, which are
            found by their keys and so need CUSTOMER_KEYS_SECRET.
        reveal: Show names and addresses of persons, too.
        json: Print JSON.
    """
    # Prefect takes seconds to import, and the other commands do not need it.
    from deployments.inspect.output import show  # noqa: PLC0415
    from deployments.subjects.output import show_found  # noqa: PLC0415
    from deployments.subjects.subject import is_address, subject_with  # noqa: PLC0415

    if is_address(subject):
        return show_found(subject_with(subject), as_json=json)
    return asyncio.run(show(subject, reveal=reveal, as_json=json))
