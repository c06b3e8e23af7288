"""Revisions: changes to a conversation's details after it first ended, such as a correction or another end."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from deployments.sandbox.genesys.control.validation import Reader, read_fields, text_list, whole_number
from deployments.sandbox.genesys.conversations.builder import (
    AgentBehaviour,
    ConversationBuilder,
    add_agent,
    segment,
)
from deployments.sandbox.genesys.conversations.organization import QUEUES, USERS, WRAP_UP_CODES
from deployments.sandbox.genesys.conversations.people import person, wrap_up_note
from deployments.sandbox.genesys.conversations.seeded_random import SeededRandom
from deployments.sandbox.genesys.conversations.timestamps import epoch_ms, timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployments.sandbox.genesys.conversations import Json

SEGMENT_BYTES = 120
SHORTEST_MS = 1_000  # of a conversation whose end moves back
GROWN_BYTES, MAX_GROWN_BYTES = 500_000, 50_000_000
AFTER_MS, EARLIER_MS, MAX_AFTER_MS = 600_000, 1_000, 366 * 86_400_000
# Fields that "changed" may not replace: the other kinds change them consistently.
FIXED = frozenset({"conversationId", "conversationStart", "conversationEnd", "participants"})
TALK = frozenset({"tTalk", "tTalkComplete", "tHandle"})


@dataclass(frozen=True, slots=True)
class Revision:
    """One change; its options are those of its kind."""

    kind: str
    options: Json


def parse_revision(body: Any) -> Revision:
    """Return the revision in a request body of /_sim. Raises ValueError that names the wrong field."""
    kind = body.get("type") if isinstance(body, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"expected a JSON object with type: one of {', '.join(KINDS)}")
    given = {name: value for name, value in body.items() if name != "type"}
    return Revision(kind, read_fields(given, KINDS[kind].options, f"{kind}: "))


def apply(details: Json, revision: Revision, number: int) -> Json:
    """Return the details after a revision, which is the conversation's `number`-th."""
    rng = SeededRandom(f"{details['conversationId']}/revision/{number}")
    return KINDS[revision.kind].apply(details, revision.options, rng)


def customer(details: Json) -> Json:
    """Return the customer's first participant; of a call between users the first one."""
    participants: list[Json] = details["participants"]
    found = (each for each in participants if each["purpose"] in ("customer", "external"))
    return next(found, participants[0])


def _customer_session(details: Json) -> Json:
    """Return the customer's last session."""
    session: Json = customer(details)["sessions"][-1]
    return session


def _builder_after(details: Json, rng: SeededRandom, after_ms: int = 0) -> ConversationBuilder:
    """Return a builder that continues so many ms after the conversation's last moment."""
    sessions = [session for each in details["participants"] for session in each["sessions"]]
    times = [s.get("segmentEnd", s["segmentStart"]) for session in sessions for s in session["segments"]]
    last = max([*times, details.get("conversationEnd", "")])
    last_session = _customer_session(details)
    media, direction = last_session["mediaType"], last_session["direction"]
    return ConversationBuilder(rng, person(rng), epoch_ms(last) + after_ms, media, direction)


def _reopened(details: Json, options: Json, rng: SeededRandom) -> Json:
    """Add an open segment to the customer's session; a live conversation is left as it is."""
    if "conversationEnd" not in details:
        return details
    began = _builder_after(details, rng, options.get("after_ms", AFTER_MS)).now
    opened = segment("interact", began, began)
    del opened["segmentEnd"]
    _customer_session(details)["segments"].append(opened)
    del details["conversationEnd"]
    return details


def _close(details: Json, builder: ConversationBuilder) -> Json:
    """Close the customer's open segment at the builder's `now` and set the conversation's end."""
    for each in _customer_session(details)["segments"]:
        if "segmentEnd" not in each:
            each |= {"segmentEnd": timestamp(builder.now), "disconnectType": "peer"}
    return details | {"conversationEnd": timestamp(builder.end)}


def _ended(details: Json, options: Json, rng: SeededRandom) -> Json:  # noqa: ARG001 - one signature for all
    """End a live conversation; one that ended keeps its end, and only the announcement is new."""
    if "conversationEnd" in details:
        return details
    builder = _builder_after(details, rng)
    builder.advance(30, 600)
    return _close(details, builder)


def _ended_again(details: Json, options: Json, rng: SeededRandom) -> Json:
    """Reopen the conversation unless it is live, add another agent, and end it."""
    details = _reopened(details, options, rng)
    builder = _builder_after(details, rng)
    add_agent(builder, rng.pick(USERS), rng.pick(QUEUES), AgentBehaviour(disconnect="client"))
    details["participants"] += builder.participants
    return _close(details, builder)


def _corrected(details: Json, options: Json, rng: SeededRandom) -> Json:  # noqa: ARG001 - one signature for all
    """Change metric values and wrap-ups, as Genesys's later corrections do; the end stays."""
    sessions = [session for each in details["participants"] for session in each["sessions"]]
    durations = [m for session in sessions for m in session["metrics"] if m["name"].startswith("t")]
    more = rng.between(1, 1000)
    for each in [m for m in durations if m["name"] in TALK] or durations:
        each["value"] += more
    if "mediaStatsMinConversationMos" in details:
        details["mediaStatsMinConversationMos"] = rng.between(1_000_000, 2_000_000) / 1_000_000
    for wrapped in (s for session in sessions for s in session["segments"]):
        if wrapped["segmentType"] == "wrapup":
            wrapped |= {"wrapUpCode": rng.pick(WRAP_UP_CODES).id, "wrapUpNote": wrap_up_note(rng)}
    return details


def _end_corrected(details: Json, options: Json, rng: SeededRandom) -> Json:  # noqa: ARG001 - one signature for all
    """Move the end to an earlier time, and what lies after it to the new end; a live conversation keeps its state."""
    if "conversationEnd" not in details:
        return details
    start, end = epoch_ms(details["conversationStart"]), epoch_ms(details["conversationEnd"])
    moved = timestamp(max(start + SHORTEST_MS, end - options.get("earlier_ms", EARLIER_MS)))
    for session in (session for each in details["participants"] for session in each["sessions"]):
        for each in (*session["segments"], *session["metrics"]):
            late = {n: moved for n in ("segmentStart", "segmentEnd", "emitDate") if each.get(n, "") > moved}
            each.update(late)
    return details | {"conversationEnd": moved}


def _left_open(details: Json, options: Json, rng: SeededRandom) -> Json:  # noqa: ARG001 - one signature for all
    """Take the end away, though everybody has left: Genesys has such conversations for months."""
    return {name: value for name, value in details.items() if name != "conversationEnd"}


def _grown(details: Json, options: Json, rng: SeededRandom) -> Json:
    """Add segments to the customer's first session, in all about `bytes` of JSON."""
    listed = customer(details)["sessions"][0]["segments"]
    at = epoch_ms(details["conversationStart"])
    for _ in range(options.get("bytes", GROWN_BYTES) // SEGMENT_BYTES):
        listed.append(segment("interact", at, at + rng.below(SHORTEST_MS), queueId=QUEUES[0].id))
    listed.sort(key=itemgetter("segmentStart"))
    return details


def _changed(details: Json, options: Json, rng: SeededRandom) -> Json:  # noqa: ARG001 - one signature for all
    """Replace top-level fields; a field set to null is removed."""
    merged = details | options.get("changes", {})
    return {name: value for name, value in merged.items() if value is not None}


def _removed(details: Json, options: Json, rng: SeededRandom) -> Json:  # noqa: ARG001 - one signature for all
    """Leave the details as they are; the registry no longer returns them."""
    return details


def _changes(value: Any) -> Json:
    """Return the top-level fields to replace. Raises ValueError for one of FIXED."""
    if not isinstance(value, dict):
        raise TypeError("expected a JSON object")
    if fixed := FIXED & value.keys():
        raise ValueError(f"expected none of {', '.join(sorted(fixed))}: other types change them")
    if value.get("divisionIds") is not None:
        read_fields({"divisionIds": value["divisionIds"]}, {"divisionIds": text_list})
    return value


@dataclass(frozen=True, slots=True)
class RevisionKind:
    """A kind of revision: its change to the details, the readers of its options, whether it announces an end."""

    apply: Callable[[Json, Json, SeededRandom], Json]
    options: dict[str, Reader] = field(default_factory=dict)
    announces_end: bool = False  # `not_settled_for` counts from here


_AFTER = {"after_ms": whole_number(MAX_AFTER_MS)}
KINDS = {
    "ended": RevisionKind(_ended, announces_end=True),
    "ended-again": RevisionKind(_ended_again, _AFTER, announces_end=True),
    "reopened": RevisionKind(_reopened, _AFTER),
    "corrected": RevisionKind(_corrected),
    "end-corrected": RevisionKind(_end_corrected, {"earlier_ms": whole_number(MAX_AFTER_MS)}),
    "left-open": RevisionKind(_left_open),
    "grown": RevisionKind(_grown, {"bytes": whole_number(MAX_GROWN_BYTES)}),
    "changed": RevisionKind(_changed, {"changes": _changes}),
    "removed": RevisionKind(_removed),
}
