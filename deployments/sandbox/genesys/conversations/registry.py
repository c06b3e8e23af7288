"""Registry: the organization's conversations, and what Genesys would return of each now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployments.sandbox.genesys.conversations.details import conversation, offset, unsettled
from deployments.sandbox.genesys.conversations.revisions import KINDS, Revision, apply
from deployments.sandbox.genesys.conversations.timestamps import epoch_ms

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployments.sandbox.genesys.control.faults import Faults
    from deployments.sandbox.genesys.conversations import Json


@dataclass(slots=True)
class ConversationState:
    """What is stored of a conversation. `start` and `end` are epoch ms, the other moments epoch seconds."""

    start: int
    end: int
    first_fetched: float | None = None
    end_announced: float | None = None
    returned: bool = False  # to a client, at least once
    live: bool = False
    looks_ended: bool = False  # live, though no segment is open
    removed: bool = False
    revisions: tuple[Revision, ...] = ()
    revised: tuple[float, ...] = ()  # when each of them came


class Registry:
    """The conversations that were added or fetched. Details are derived again at each request."""

    def __init__(self, epoch: int, is_stale: Callable[[], bool] = lambda: False) -> None:
        self.epoch = epoch
        self._is_stale = is_stale  # draws whether an answer comes from a replica that lags
        self._states: dict[str, ConversationState] = {}

    def __len__(self) -> int:
        return len(self._states)

    def items(self) -> list[tuple[str, ConversationState]]:
        """Return the id and the state of every conversation."""
        return list(self._states.items())

    def get(self, conversation_id: str) -> ConversationState:
        """Return the state of a conversation, created if it has none."""
        state = self._states.get(conversation_id)
        return self._create(conversation_id)[0] if state is None else state

    def _create(self, conversation_id: str) -> tuple[ConversationState, Json]:
        start = self.epoch + offset(conversation_id)
        details, end = conversation(conversation_id, start)
        state = self._states[conversation_id] = ConversationState(start, end)
        return state, details

    def add(self, conversation_id: str, start: int, end: int) -> None:
        """Add a conversation that started in an interval, and ended in it if it is short enough; replace one."""
        length = conversation(conversation_id, 0)[1]
        at = start + offset(conversation_id) % max(1, end - start - length)
        self._states[conversation_id] = ConversationState(at, at + length)

    def actual(self, conversation_id: str, *, revisions: int | None = None) -> Json:
        """Return the details regardless of the faults, after all of its revisions or the first so many."""
        state = self._states.get(conversation_id)
        start = state.start if state else self.epoch + offset(conversation_id)
        details = conversation(conversation_id, start)[0]
        for number, revision in enumerate(state.revisions[:revisions] if state else (), start=1):
            details = apply(details, revision, number)
        return details

    def revise(self, conversation_id: str, revision: Revision, moment: float) -> Json:
        """Apply a revision to a conversation and return its actual details after it."""
        state = self.get(conversation_id)
        # Before it is stored: a revision that raises leaves the conversation as it was.
        details = apply(self.actual(conversation_id), revision, len(state.revisions) + 1)
        state.revisions += (revision,)
        state.revised += (moment,)
        state.removed = state.removed or revision.kind == "removed"
        if KINDS[revision.kind].announces_end:
            state.end_announced = moment
        state.live = "conversationEnd" not in details
        state.looks_ended = state.live and all("segmentEnd" in each for each in _segments(details))
        if not state.live:
            state.end = epoch_ms(details["conversationEnd"])
        return details

    def fetch(self, conversation_id: str, faults: Faults, moment: float) -> Json | None:
        """Return what a request by id gets at a moment (epoch s), None for an unknown id; record the first fetch."""
        if conversation_id in faults.unknown_ids:
            return None
        state, details = self._states.get(conversation_id), None
        if state is None:
            state, details = self._create(conversation_id)
        if state.first_fetched is None:
            state.first_fetched = moment
        return self.visible(conversation_id, state, faults, moment, details)

    def visible(
        self,
        conversation_id: str,
        state: ConversationState,
        faults: Faults,
        moment: float,
        details: Json | None = None,
    ) -> Json | None:
        """Return what a query gets of a conversation at a moment (epoch s), None while it is hidden or removed.

        A replica that lags does not know the last revision yet, or, without any, the end.
        """
        if is_hidden(state, faults, moment):
            return None
        if self._is_stale():
            state.returned = True
            known = self.actual(conversation_id, revisions=max(0, len(state.revisions) - 1))
            return known if state.revisions else unsettled(known)
        if state.removed:
            return None
        state.returned = True
        details = details or self.actual(conversation_id)
        if state.looks_ended or is_settled(conversation_id, state, faults, moment):
            return details
        return unsettled(details)

    def listed(self, faults: Faults, moment: float) -> list[tuple[str, ConversationState]]:
        """Return the conversations that a query can find at a moment (epoch s)."""
        return [
            (conversation_id, state)
            for conversation_id, state in self._states.items()
            if conversation_id not in faults.unknown_ids
            and not state.removed
            and not is_hidden(state, faults, moment)
        ]


def is_hidden(state: ConversationState, faults: Faults, moment: float) -> bool:
    """Return whether the fault `unknown_for` hides a conversation at a moment (epoch s)."""
    return state.first_fetched is not None and moment - state.first_fetched < faults.unknown_for


def is_settled(conversation_id: str, state: ConversationState, faults: Faults, moment: float) -> bool:
    """Return whether a conversation's end is visible at a moment (epoch s)."""
    if state.live or conversation_id in faults.not_settled_ids:
        return False
    since = state.end_announced if state.end_announced is not None else state.first_fetched
    return since is None or moment - since >= faults.not_settled_for


def _segments(details: Json) -> list[Json]:
    return [s for p in details["participants"] for each in p["sessions"] for s in each["segments"]]
