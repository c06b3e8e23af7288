"""What a person asks to be erased, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.errors import PermanentError
from tasks.values import canonical_id

_MAX_CONTACT = 100  # characters; Genesys's ids have 36
_NAMED = 10  # places of bad ids that an error names


class InvalidErasureRequest(PermanentError):
    """The erasure cannot be done as it was asked for; nothing was erased."""

    code = "bad-request"


@dataclass(frozen=True)
class ErasureRequest:
    """What to erase: interactions by id, those of an external contact, or both."""

    interaction_ids: tuple[str, ...]
    external_contact_id: str | None

    @classmethod
    def checked(cls, interaction_ids: Sequence[str], external_contact_id: str) -> ErasureRequest:
        """Return the request. Raises InvalidErasureRequest, which names positions and never repeats a value."""
        canonical = [canonical_id(id_) for id_ in interaction_ids]
        wrong = [str(number) for number, id_ in enumerate(canonical, 1) if id_ is None]
        if wrong:
            places = ", ".join(wrong[:_NAMED]) + (", ..." if len(wrong) > _NAMED else "")
            raise InvalidErasureRequest(
                f"{len(wrong)} of {len(canonical)} interaction ids are no UUIDs (in places {places}): "
                "correct them and run again; nothing was erased"
            )
        contact = external_contact_id.strip()
        if len(contact) > _MAX_CONTACT or not contact.isprintable():
            raise InvalidErasureRequest(
                "external_contact_id is no id: give the id that Genesys has; nothing was erased"
            )
        if not canonical and not contact:
            raise InvalidErasureRequest("give interaction ids or an external contact id; nothing was erased")
        return cls(tuple(dict.fromkeys(id_ for id_ in canonical if id_)), contact or None)
