"""An interaction's own artifact in the Prefect UI, `interaction-<id>`: its versions are its history."""

from __future__ import annotations

import hashlib
import re

from prefect.artifacts import acreate_markdown_artifact
from prefect.runtime import flow_run

from flows.links import run_link
from tasks.outcomes import Kind, Outcome

CARDS = 20  # most interactions of a run that get a card of their own; the outcomes table names the others
_KEY_LIMIT = 80  # characters of an id in a key
_DETAIL_LIMIT = 1_000
_PLAIN = re.compile(r"[\w.:#-]{1,100}", re.ASCII)
_NOT_CODE = re.compile(r"[^\w .,:-]", re.ASCII)
_REPLAY = """prefect deployment run 'replay-interactions/replay' -p 'interaction_ids=["{id}"]'"""
_NEXT = {
    Kind.SAVED: "Nothing: the record is stored.",
    Kind.UNCHANGED: "Nothing: what is stored stands.",
    Kind.DEFERRED: "Nothing: a later run asks again at {due}.",
}


async def leave_card(outcome: Outcome, *, replayed: bool = False) -> None:
    """Add a version to the artifact of an outcome's interaction, or of its event when it names none."""
    key = card_key(outcome)
    if key is not None:
        await acreate_markdown_artifact(
            card(outcome, replayed=replayed), key=key, description=_title(outcome, replayed=replayed)
        )


def card_key(outcome: Outcome) -> str | None:
    """`interaction-<id>`, as Prefect takes it; an id that may be anything goes in as a digest."""
    subject = outcome.interaction_id or outcome.event_id
    if not subject:
        return None
    if not _PLAIN.fullmatch(subject):
        return f"interaction-{hashlib.sha256(subject.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
    slug = re.sub(r"[^a-z0-9]+", "-", subject.lower())[:_KEY_LIMIT].strip("-")
    return f"interaction-{slug}" if slug else None


def card(outcome: Outcome, *, replayed: bool = False) -> str:
    """What happened, why, what to do next, and where; ids and words of our own only."""
    lines = [
        f"# {_title(outcome, replayed=replayed)}",
        f"In {run_link()}, `{_NOT_CODE.sub('', str(flow_run.name or 'unnamed'))}`.",
    ]
    if outcome.detail:
        lines.append(f"**Why:** {escaped(outcome.detail[:_DETAIL_LIMIT])}")
    if outcome.interaction_id:
        lines.append(f"**Interaction:** `{plain(outcome.interaction_id)}`")
    if outcome.event_id:
        lines.append(f"**Event:** `{plain(outcome.event_id)}`")
    lines.append(f"**Next:** {_next(outcome)}")
    return "\n\n".join(lines)


def _title(outcome: Outcome, *, replayed: bool) -> str:
    return f"{'replayed: ' if replayed else ''}{outcome.kind.value}"


def _next(outcome: Outcome) -> str:
    if outcome.kind in _NEXT:
        return _NEXT[outcome.kind].format(due=outcome.due_at)
    id_ = outcome.interaction_id
    if id_ is None:
        return "The event names no interaction: mend its sender; the quarantine row holds the event."
    command = f"`{_REPLAY.format(id=plain(id_))}`"
    look = f"`python -m deployments inspect {plain(id_)}`"
    if outcome.kind is Kind.REJECTED:
        return (
            f"Mend the sender. The conversation itself can be fetched all the same: {command}. Look: {look}"
        )
    return f"When the cause is mended, replay it: {command}. Look: {look}"


def plain(text: str) -> str:
    """An id as it may stand in a name, a table or a code span: anything but plain characters is not shown."""
    return text if _PLAIN.fullmatch(text) else "(id with unusual characters)"


def escaped(text: str) -> str:
    """Text as it may stand in Markdown or a table cell."""
    return re.sub(r"([\\`*_{}\[\]<>|#!])", r"\\\1", text)
