"""The rejection of an event, with a reason for the person who looks at it.

A reason names the field and the kind of value in it, never the value: where an id belongs, a faulty sender may put a
telephone number. The bridge has put the kind and the length in the place of such a value already.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tasks.events.grammar import withheld

_NEXT_STEPS = {
    "not-json": "Have the sender write JSON, then send the event again.",
    "too-deep": "Have the sender write a flatter event, then send it again.",
    "not-an-object": "Have the sender put a JSON object there, then send the event again.",
    "empty-list": "Nothing is lost: there was no record in it. Have the sender leave such events out.",
    "missing-conversation-id": "Have the sender name the conversation there, then send the event again.",
    "malformed-conversation-id": (
        "Have the sender put the conversation's UUID there (8-4-4-4-12 hexadecimal digits), "
        "then send the event again."
    ),
    "wrong-type": "Have the sender correct the field, then send the event again.",
    "foreign-organisation": (
        "Narrow the EventBridge rule to this organisation's event source, or correct GENESYS_ORGANIZATION_ID: "
        "`interactions verify` shows the id of the OAuth client's organisation."
    ),
    "unsupported-detail-type": (
        "Narrow the EventBridge rule, so that it passes only v2.detail.events.conversation.{id}.*, "
        "conversation.end and Conversation Update."
    ),
    "oversize": (
        "Only the event was, not its conversations: replay them by their ids (the event in this row names the first "
        "100, reconcile finds the others), and have the sender put fewer records into one event."
    ),
}


@dataclass(frozen=True)
class Rejection:
    """An event, or one record of a list, that was rejected; it goes to quarantine."""

    code: str
    """A stable kebab-case name for the kind of rejection."""
    reason: str
    """What is wrong and what to do next, in sentences without a value of the event."""
    event_id: str | None
    interaction_id: str | None
    """The interaction, if the event names a valid one."""
    text: str = field(repr=False)
    """The event as it arrived; for a record of a list an event with that record alone."""


class EventRejected(Exception):
    """Ends the parsing of one event or record; does not leave this package."""

    def __init__(self, code: str, problem: str, interaction_id: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.problem = problem
        self.interaction_id = interaction_id

    def rejection(self, event_id: str | None, text: str) -> Rejection:
        """Return the rejection of the event `text`, which is made valid UTF-8."""
        reason = f"{self.problem}. {_NEXT_STEPS[self.code]}"
        storable = text.encode("utf-8", "backslashreplace").decode("utf-8")
        return Rejection(self.code, reason, event_id, self.interaction_id, storable)


def kind(value: Any) -> str:
    """Return the kind of a JSON value in words, without the value: `text of 12 characters`."""
    match value if is_withheld(value) else withheld(value):
        case None:
            return "absent"
        case bool():
            return "true or false"
        case {"withheld": "text", "length": int(length)}:
            return f"text of {_count(length, 'character')}"
        case {"withheld": "list", "length": int(length)}:
            return f"a list of {_count(length, 'item')}"
        case {"withheld": "object", "length": int(length)}:
            return f"an object with {_count(length, 'key')}"
        case _:
            return "a number"


def is_withheld(value: Any, of: str | None = None) -> bool:
    """Return whether a value is what `grammar.withheld` makes: of that kind, or of any."""
    match value:
        case {"withheld": "text" | "list" | "object" as name, "length": int(), **more} if not more:
            return of in (None, name)
        case {"withheld": "number" as name, **more} if not more:
            return of in (None, name)
    return False


def _count(length: int, noun: str) -> str:
    return f"{length} {noun}{'' if length == 1 else 's'}"
