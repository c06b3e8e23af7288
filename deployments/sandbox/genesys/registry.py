"""Registry: which conversations the organization has, and what Genesys would show of them now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployments.sandbox.genesys.conversations import conversation, offset, unsettled
from deployments.sandbox.genesys.revisions import KINDS, Revision, apply
from deployments.sandbox.genesys.scene import epoch_ms

if TYPE_CHECKING:
    from deployments.sandbox.genesys.faults import Faults
    from deployments.sandbox.genesys.scene import Json


@dataclass(slots=True)
class Known:
    """What is remembered of a conversation: moments in epoch ms, first sight and announced end in seconds."""

    start: int
    end: int
    first_fetched: float | None = None
    announced: float | None = None
    given: bool = False
    live: bool = False
    removed: bool = False
    revisions: tuple[Revision, ...] = ()


class Registry:
    """The conversations that were added or asked for; the details are made anew each time."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self._known: dict[str, Known] = {}

    def __len__(self) -> int:
        return len(self._known)

    def items(self) -> list[tuple[str, Known]]:
        """Return every known conversation."""
        return list(self._known.items())

    def get(self, conversation_id: str) -> Known:
        """Return what is known of an id, and from now on know it."""
        known = self._known.get(conversation_id)
        return self._made(conversation_id)[0] if known is None else known

    def _made(self, conversation_id: str) -> tuple[Known, Json]:
        start = self.epoch + offset(conversation_id)
        details, end = conversation(conversation_id, start)
        known = self._known[conversation_id] = Known(start, end)
        return known, details

    def add(self, conversation_id: str, start: int, end: int) -> None:
        """Add a conversation that started, and where it is short enough also ended, in an interval."""
        length = conversation(conversation_id, 0)[1]
        at = start + offset(conversation_id) % max(1, end - start - length)
        self._known[conversation_id] = Known(at, at + length)

    def truth(self, conversation_id: str, *, revisions: int | None = None) -> Json:
        """Return the details as they are, whatever the faults; with the first so many revisions only."""
        known = self._known.get(conversation_id)
        start = known.start if known else self.epoch + offset(conversation_id)
        details = conversation(conversation_id, start)[0]
        for number, revision in enumerate(known.revisions[:revisions] if known else (), start=1):
            details = apply(details, revision, number)
        return details

    def revise(self, conversation_id: str, revision: Revision, moment: float) -> Json:
        """Let something happen to a conversation; return the truth after it."""
        known = self.get(conversation_id)
        # Before it is remembered: what cannot happen leaves the conversation as it was.
        details = apply(self.truth(conversation_id), revision, len(known.revisions) + 1)
        known.revisions += (revision,)
        known.removed = known.removed or revision.kind == "removed"
        if KINDS[revision.kind].ends:
            known.announced = moment
        known.live = "conversationEnd" not in details
        if not known.live:
            known.end = epoch_ms(details["conversationEnd"])
        return details

    def view(self, conversation_id: str, faults: Faults, moment: float) -> Json | None:
        """Return what Genesys shows of a conversation that somebody asks for; None when it is unknown."""
        if conversation_id in faults.unknown_ids:
            return None
        known, details = self._known.get(conversation_id), None
        if known is None:
            known, details = self._made(conversation_id)
        if known.first_fetched is None:
            known.first_fetched = moment
        return self.peek(conversation_id, known, faults, moment, details)

    def peek(
        self, conversation_id: str, known: Known, faults: Faults, moment: float, details: Json | None = None
    ) -> Json | None:
        """Return what Genesys shows of a known conversation to somebody who did not ask by its id."""
        if known.removed or hidden(known, faults, moment):
            return None
        known.given = True
        details = details or self.truth(conversation_id)
        return details if settled(conversation_id, known, faults, moment) else unsettled(details)

    def listed(self, faults: Faults, moment: float) -> list[tuple[str, Known]]:
        """Return the conversations that a query may find."""
        return [
            (conversation_id, known)
            for conversation_id, known in self._known.items()
            if conversation_id not in faults.unknown_ids
            and not known.removed
            and not hidden(known, faults, moment)
        ]


def hidden(known: Known, faults: Faults, moment: float) -> bool:
    """Return whether Genesys does not know the conversation yet."""
    return known.first_fetched is not None and moment - known.first_fetched < faults.unknown_for


def settled(conversation_id: str, known: Known, faults: Faults, moment: float) -> bool:
    """Return whether the end of a conversation shows by now."""
    if known.live or conversation_id in faults.not_settled_ids:
        return False
    since = known.announced if known.announced is not None else known.first_fetched
    return since is None or moment - since >= faults.not_settled_for
