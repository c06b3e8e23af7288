"""The artifact of one interaction in the Prefect UI, `interaction-<id>`: its versions are its history."""

from __future__ import annotations

import hashlib
import re

from prefect.artifacts import acreate_markdown_artifact
from prefect.runtime import flow_run

from flows.runs.current_run import run_link
from tasks.pipeline.outcomes import Outcome, OutcomeKind

MAX_ARTIFACTS = 20  # interactions of a run that get an artifact; the outcomes table names the others
_MAX_KEY = 80  # characters of an id in a key
_MAX_DETAIL = 1_000
_PLAIN = re.compile(r"[\w.:#-]{1,100}", re.ASCII)
_CODE = re.compile(r"([a-z][a-z-]+)(:|$)")
_WITH_CODE = frozenset({OutcomeKind.REJECTED, OutcomeKind.FAILED})
_NOT_CODE = re.compile(r"[^\w .,:-]", re.ASCII)
_REPLAY = """prefect deployment run 'replay-interactions/replay' -p 'interaction_ids=["{id}"]'"""
_NEXT = {
    OutcomeKind.SAVED: "Nothing: the record is stored.",
    OutcomeKind.UNCHANGED: "Nothing: what is stored stands.",
    OutcomeKind.IGNORED: "Nothing, or narrow the EventBridge rule: such events tell of no conversation's details.",
    OutcomeKind.DEFERRED: "Nothing: a later run asks again at {due}.",
}


async def publish_interaction(outcome: Outcome, *, replayed: bool = False) -> None:
    """Add a version to the artifact of an outcome's interaction, or of its event when it names none."""
    key = artifact_key(outcome)
    if key is not None:
        await acreate_markdown_artifact(
            markdown(outcome, replayed=replayed), key=key, description=_title(outcome, replayed=replayed)
        )


def artifact_key(outcome: Outcome) -> str | None:
    """Return `interaction-<id>`, as Prefect takes it; an id of unusual characters goes in as a digest."""
    subject = outcome.interaction_id or outcome.event_id
    if not subject:
        return None
    if not _PLAIN.fullmatch(subject):
        return f"interaction-{hashlib.sha256(subject.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
    slug = re.sub(r"[^a-z0-9]+", "-", subject.lower())[:_MAX_KEY].strip("-")
    return f"interaction-{slug}" if slug else None


def markdown(outcome: Outcome, *, replayed: bool = False) -> str:
    """Return what happened, why, what to do next, and where; it holds ids and words of our own only."""
    lines = [
        f"# {_title(outcome, replayed=replayed)}",
        f"In {run_link()}, `{_NOT_CODE.sub('', str(flow_run.name or 'unnamed'))}`.",
    ]
    if outcome.detail:
        lines.append(f"**Why:** {escaped(outcome.detail[:_MAX_DETAIL])}")
    if outcome.interaction_id:
        lines.append(f"**Interaction:** `{plain(outcome.interaction_id)}`")
    if outcome.event_id:
        lines.append(f"**Event:** `{plain(outcome.event_id)}`")
    lines.append(f"**Next:** {_next(outcome)}")
    return "\n\n".join(lines)


def _title(outcome: Outcome, *, replayed: bool) -> str:
    """Return the outcome, with the code of what was rejected or failed: a list of cards shows nothing else."""
    code = _CODE.match(outcome.detail) if outcome.kind in _WITH_CODE else None
    title = f"{outcome.kind.value}: {code[1]}" if code else outcome.kind.value
    return f"replayed: {title}" if replayed else title


def _next(outcome: Outcome) -> str:
    if outcome.kind in _NEXT:
        return _NEXT[outcome.kind].format(due=outcome.due_at)
    id_ = outcome.interaction_id
    if id_ is None:
        return "The event names no interaction: correct its sender; the quarantine row holds the event."
    command = f"`{_REPLAY.format(id=plain(id_))}`"
    look = f"`python -m deployments inspect {plain(id_)}`"
    if outcome.kind is OutcomeKind.REJECTED:
        return f"Correct the sender. The conversation itself can be fetched all the same: {command}. Look: {look}"
    return f"When the cause is corrected, replay it: {command}. Look: {look}"


def plain(text: str) -> str:
    """Return an id as it may stand in a name, a table or a code span; one of other characters is not shown."""
    return text if _PLAIN.fullmatch(text) else "(id with unusual characters)"


def escaped(text: str) -> str:
    """Return text as it may stand in Markdown or a table cell."""
    return re.sub(r"([\\`*_{}\[\]<>|#!])", r"\\\1", text)
