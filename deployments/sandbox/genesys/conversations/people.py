"""Fictional customers: names, numbers and texts that look personal."""

from __future__ import annotations

from dataclasses import dataclass

from deployments.sandbox.genesys.conversations.organization import fixed_id
from deployments.sandbox.genesys.conversations.seeded_random import SeededRandom

_FIRST = (
    "Amelia", "Bruno", "Chiara", "Dmitri", "Élodie", "Farid", "Greta", "Hiro", "Isla", "Jürgen",
    "Katarzyna", "Luís", "Maëlle", "Nils", "Oksana", "Priya", "Quentin", "Rosa", "Søren", "Thandi",
)  # fmt: skip
_LAST = (
    "Almeida", "Bergström", "Chaudhry", "Delacroix", "Eriksen", "Fontana", "Grünwald", "Hashimoto", "Ivanova",
    "Jankowski", "Kaplan", "Lindqvist", "Moreau", "Nakamura", "Okonkwo", "Petrov", "Quiroga", "Rahman",
)  # fmt: skip
_MATTERS = ("Invoice", "Order", "Contract", "Refund", "Delivery", "Appointment", "Complaint", "Warranty")
_NOTES = (
    "asked to be called back at home", "disputes the amount", "moves house next month", "is seriously ill",
    "wants to cancel", "sent the papers again", "was very pleased", "spoke for the mother",
)  # fmt: skip

# External contacts: with so few, several conversations share one.
KNOWN_CUSTOMERS = 500


@dataclass(frozen=True, slots=True)
class Person:
    """A customer; `external_contact_id` is None for one that is no external contact."""

    name: str
    phone: str
    email: str
    external_contact_id: str | None


def person(rng: SeededRandom) -> Person:
    """Return the customer of a conversation."""
    known = rng.chance(60)
    number = rng.below(KNOWN_CUSTOMERS) * 7919 + 1_000_000 if known else rng.below(10_000_000)
    first, last = _FIRST[number % len(_FIRST)], _LAST[number // len(_FIRST) % len(_LAST)]
    return Person(
        name=f"{first} {last}",
        phone=f"tel:+1202{number:07d}",
        email=f"{first[0].lower()}.{number:07d}@mail.example",
        external_contact_id=fixed_id(f"contact/{number}") if known else None,
    )


def user_name(user_id: str) -> str:
    """Return the name of a user who is none of the organization's own."""
    rng = SeededRandom(f"user/{user_id}")
    return f"{rng.pick(_FIRST)} {rng.pick(_LAST)}"


def subject(rng: SeededRandom) -> str:
    """Return the subject of an email."""
    return f"{rng.pick(_MATTERS)} {rng.below(1_000_000):06d} of {rng.pick(_FIRST)} {rng.pick(_LAST)}"


def wrap_up_note(rng: SeededRandom) -> str:
    """Return the note of an agent's wrap-up."""
    return f"{rng.pick(_FIRST)} {rng.pick(_LAST)} {rng.pick(_NOTES)}"
