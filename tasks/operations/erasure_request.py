"""What a person asks to be erased, checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tasks.errors import InvalidRequest
from tasks.operations.subject import Subject
from tasks.values import canonical_id

_MAX_CONTACT = 100  # characters; Genesys's ids have 36
_KEY = re.compile(r"[0-9a-f]{64}")
_NAMED = 10  # places of bad ids that an error names


class InvalidErasureRequest(InvalidRequest):
    """The erasure cannot be done as it was asked for; nothing was erased."""

    code = "bad-request"


@dataclass(frozen=True)
class ErasureRequest:
    """What to erase: interactions by id, those of an external contact, those of customer keys, or all of them."""

    subject: Subject

    @classmethod
    def checked(
        cls, interaction_ids: Sequence[str], external_contact_id: str, customer_keys: Sequence[str] = ()
    ) -> ErasureRequest:
        """Return the request. Raises InvalidErasureRequest, which names positions and never repeats a value."""
        canonical = [canonical_id(id_.strip()) for id_ in interaction_ids]
        if wrong := _places(id_ is None for id_ in canonical):
            raise InvalidErasureRequest(
                f"{wrong[0]} of {len(canonical)} interaction ids are no UUIDs (in places {wrong[1]}): "
                "correct them and run again; nothing was erased"
            )
        contact = external_contact_id.strip()
        if len(contact) > _MAX_CONTACT or not contact.isprintable():
            raise InvalidErasureRequest(
                "external_contact_id is no id: give the id that Genesys has; nothing was erased"
            )
        if wrong := _places(_KEY.fullmatch(key) is None for key in customer_keys):
            raise InvalidErasureRequest(
                f"{wrong[0]} of {len(customer_keys)} customer keys are wrong (in places {wrong[1]}): "
                "`interactions erase` makes them of addresses; nothing was erased"
            )
        subject = Subject(
            tuple(dict.fromkeys(id_ for id_ in canonical if id_)), contact or None, tuple(customer_keys)
        )
        if not subject:
            raise InvalidErasureRequest(
                "give interaction ids or an external contact id, or customer keys; nothing was erased"
            )
        return cls(subject)


def check_reason(reason: str) -> None:
    """Raise InvalidErasureRequest without a reason: what cannot be undone is accounted for."""
    if not reason.strip():
        raise InvalidErasureRequest("give a reason, as a ticket's number; nothing was erased")


def _places(wrong: Iterable[bool]) -> tuple[int, str] | None:
    """Return how many are wrong, and the first places of those; None when none is."""
    places = [str(number) for number, each in enumerate(wrong, 1) if each]
    if not places:
        return None
    return len(places), ", ".join(places[:_NAMED]) + (", ..." if len(places) > _NAMED else "")
