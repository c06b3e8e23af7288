"""The people who get in touch: names, numbers and words that look personal and belong to no one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployments.sandbox.genesys.organization import fixed_id

if TYPE_CHECKING:
    from deployments.sandbox.genesys.draws import Draws

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

# So many customers are known and come back: several conversations share one external contact.
REGULARS = 500


@dataclass(frozen=True, slots=True)
class Person:
    """A customer; `external_contact_id` only where the organization knows them."""

    name: str
    phone: str
    email: str
    external_contact_id: str | None


def person(draws: Draws) -> Person:
    """Return the customer of a conversation."""
    known = draws.chance(60)
    number = draws.below(REGULARS) * 7919 + 1_000_000 if known else draws.below(10_000_000)
    first, last = _FIRST[number % len(_FIRST)], _LAST[number // len(_FIRST) % len(_LAST)]
    return Person(
        name=f"{first} {last}",
        phone=f"tel:+1202{number:07d}",
        email=f"{first[0].lower()}.{number:07d}@mail.example",
        external_contact_id=fixed_id(f"contact/{number}") if known else None,
    )


def subject(draws: Draws) -> str:
    """Return the subject of an email."""
    return f"{draws.pick(_MATTERS)} {draws.below(1_000_000):06d} of {draws.pick(_FIRST)} {draws.pick(_LAST)}"


def note(draws: Draws) -> str:
    """Return what an agent wrote down afterwards."""
    return f"{draws.pick(_FIRST)} {draws.pick(_LAST)} {draws.pick(_NOTES)}"
