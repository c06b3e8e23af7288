"""The simulated organization: queues, users, wrap-up codes, flows and divisions, with constant ids."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import NAMESPACE_DNS, uuid5

_NAMESPACE = uuid5(NAMESPACE_DNS, "simulator.genesys.invalid")


def fixed_id(name: str) -> str:
    """Return the UUID derived from a name."""
    return str(uuid5(_NAMESPACE, name))


@dataclass(frozen=True, slots=True)
class Named:
    """An object of the organization: id and name."""

    id: str
    name: str


def _named(kind: str, *names: str) -> tuple[Named, ...]:
    return tuple(Named(fixed_id(f"{kind}/{name}"), name) for name in names)


ORGANIZATION_ID = fixed_id("organization")
DIVISIONS = _named("division", "Home", "Retail", "Business")
QUEUES = _named("queue", "Billing", "Sales", "Technical Support", "Retention", "Claims", "Back Office")
FLOWS = _named("flow", "Main Menu", "After Hours", "Digital Welcome", "Mail Sorting")
WRAP_UP_CODES = _named("wrapup", "Resolved", "Follow-up", "Sale", "Wrong Number", "Escalated", "No Answer")
SKILLS = _named("skill", "English", "German", "Invoices", "Routers")
CAMPAIGNS = _named("campaign", "Renewals", "Satisfaction")
CONTACT_LISTS = _named("contact-list", "Renewals 2026", "Satisfaction 2026")
TEAMS = _named("team", "Red", "Blue")
NUMBERS = ("tel:+18005550100", "tel:+18005550111", "tel:+498005550122")
MAILBOXES = ("support@shop.example", "billing@shop.example")

_FIRST = ("Ada", "Bela", "Chidi", "Dana", "Emre", "Fatou", "Goran", "Hana", "Ines", "Jonas")
_LAST = ("Abara", "Brandt", "Castillo", "Dvorak")
USERS = _named("user", *(f"{first} {last}" for last in _LAST for first in _FIRST))
