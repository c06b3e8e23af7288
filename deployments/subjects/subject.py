"""Whose interactions a command is about: by id, external contact, e-mail address or telephone number.

An address becomes a key here, on the machine of who asks. It reaches neither Prefect nor a log.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from deployments.errors import BadValue
from tasks.operations.subject import Subject
from tasks.records.customer_keys import CustomerKeys
from tasks.settings import KeysSecret
from tasks.values import canonical_id

MISSING = "CUSTOMER_KEYS_SECRET is not set: an address is found by its key, which the workers' secret makes"

_NUMBER = re.compile(r"(tel:)?[0-9+ ()./-]*[0-9][0-9+ ()./-]*")


class KeySettings(BaseSettings):
    """The secret by which addresses become keys."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    customer_keys_secret: KeysSecret | None = None


def subject_of(
    interaction_ids: Sequence[str] = (),
    *,
    contact: str | None = None,
    email: Sequence[str] = (),
    phone: Sequence[str] = (),
) -> Subject:
    """Return who is meant. Raises BadValue, which names the flag or the variable and repeats no value."""
    canonical = [canonical_id(id_.strip()) for id_ in interaction_ids]
    if None in canonical:
        place = canonical.index(None) + 1
        raise BadValue(f"interaction id {place} is no UUID (8-4-4-4-12 hexadecimal digits): nothing was done")
    subject = Subject(
        tuple(dict.fromkeys(id_ for id_ in canonical if id_)),
        (contact or "").strip() or None,
        _keys(email, phone) if email or phone else (),
    )
    if not subject:
        raise BadValue("nobody is named: give interaction ids, --contact, --email or --phone")
    return subject


def is_address(text: str) -> bool:
    """Return whether a text can be an e-mail address or a telephone number; one that is a UUID is an id."""
    given = text.strip()
    return canonical_id(given) is None and ("@" in given or _NUMBER.fullmatch(given) is not None)


def subject_with(address: str) -> Subject:
    """Return who has an e-mail address or a telephone number. Raises BadValue."""
    return subject_of(email=[address]) if "@" in address else subject_of(phone=[address])


def _keys(email: Sequence[str], phone: Sequence[str]) -> tuple[str, ...]:
    try:
        secret = KeySettings().customer_keys_secret
    except ValidationError:
        raise BadValue("CUSTOMER_KEYS_SECRET is too short: it has at least 32 characters") from None
    if secret is None:
        raise BadValue(MISSING)
    keys = CustomerKeys(secret)
    try:
        found = [*map(keys.of_email, email), *map(keys.of_phone, phone)]
    except ValueError as error:
        raise BadValue(str(error)) from None
    return tuple(dict.fromkeys(found))
