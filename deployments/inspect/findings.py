"""What is known of an interaction, and the answer that follows from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from infra.prefect_health import LATE_AFTER
from tasks.stores import DeferralReason
from tasks.values import iso

HIDDEN = "(hidden: --reveal shows it)"
PERSONAL = frozenset({"customerEmail", "agentName", "name"})
UNKNOWN_ANSWER = (
    "Unknown: no store, no queue and no flow run is about it. Its event may still be in the buffer: `interactions "
    "status` says how much is. A replay fetches it from Genesys."
)
_WHY: dict[str, str] = {
    DeferralReason.NOT_SETTLED: "Genesys has not ended it",
    DeferralReason.NOT_KNOWN: "Genesys does not know it",
    DeferralReason.THROTTLED: "Genesys, or the request limit, asked to wait",
    DeferralReason.UNREACHABLE: "Genesys did not answer",
    DeferralReason.REFUSED: "Genesys refused the credentials, a permission or the request",
    DeferralReason.CONFIRMATION: "two answers of Genesys's differ, so it is asked once more",
}
_NOT_KEPT = "Genesys had not ended it, did not know it, or could not be asked"


@dataclass(frozen=True)
class RelatedRun:
    """A flow run that changed the interaction, holds it, reported on it or is named after it.

    Only id and role if Prefect has no such run; `message` is its state's where it has not completed.
    """

    flow_run_id: str
    role: str
    name: str | None = None
    state: str | None = None
    at: str | None = None
    url: str | None = None
    under_way: bool = False
    message: str | None = None


@dataclass
class Findings:
    """All that is known of an interaction: `answer` in sentences, `notes` about what could not be looked up."""

    interaction_id: str
    answer: str = ""
    state: str = "unknown"
    settled: bool | None = None
    due_at: str | None = None
    attempt: int | None = None
    deferred_for: str | None = None
    """Why it waits: a DeferralReason."""
    deferred_since: str | None = None
    erased_at: str | None = None
    receipt_id: str | None = None
    receipt: dict[str, Any] | None = None
    """What the erasure's receipt says: when, why, by whom, what was found."""
    record: dict[str, Any] | None = None
    staged: bool | None = None
    """Whether the object that the row names holds the row's version; not any more when it is in the tables."""
    conversations: int | None = None
    """Objects that releases before 0.2 wrote."""
    quarantine: list[dict[str, Any]] = field(default_factory=list)
    dead_letters: dict[str, Any] | None = None
    runs: list[RelatedRun] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def known(self) -> bool:
        """Whether any store, queue or flow run is about it."""
        dead = bool(self.dead_letters and self.dead_letters["found"])
        return self.state != "unknown" or bool(self.quarantine or self.runs or self.conversations) or dead

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {"known": self.known} | asdict(self)


def answer(findings: Findings, now: datetime | None = None) -> str:
    """Return what has become of the interaction, in a few sentences."""
    sentences = [_state(findings), *_due(findings, now or datetime.now(UTC)), *_runs(findings)]
    sentences += [f"In quarantine as {row['reason']}: {row['code']}." for row in findings.quarantine]
    if findings.dead_letters and findings.dead_letters["found"]:
        sentences.append("In the dead-letter queue: `python -m infra redrive` brings it back.")
    if not findings.known:
        sentences.append(UNKNOWN_ANSWER)
    return " ".join(sentences)


def _state(findings: Findings) -> str:
    match findings.state:
        case "erased":
            return (
                f"Erased at {findings.erased_at}: only its tombstone is left, and nothing can bring it back."
            )
        case "stored":
            settled = "settled" if findings.settled else "not settled: Genesys has not said that it ended"
            return f"Stored, {settled}."
        case "waiting":
            return "Not stored yet."
    return "Not stored."


def _due(findings: Findings, now: datetime) -> list[str]:
    if findings.due_at is None:
        return []
    since = f" since {findings.deferred_since}" if findings.deferred_since else ""
    why = f"It waits{since}: {_WHY.get(findings.deferred_for or '', _NOT_KEPT)}."
    due_at, attempt = findings.due_at, f"(attempt {findings.attempt})"
    if due_at > iso(now):
        return [why, f"It is due again at {due_at} {attempt}."]
    if due_at > iso(now - LATE_AFTER):
        return [why, f"It is due now, since {due_at} {attempt}."]
    return [why, f"Due since {due_at} {attempt}: its run is late, reconcile will requeue it."]


def _runs(findings: Findings) -> list[str]:
    """Return a sentence for each run that may still change something, or that failed to."""
    sentences = []
    for run in findings.runs:
        if run.under_way and findings.state != "erased":
            why = f" ({run.message})" if run.message else ""
            sentences.append(f"Its run {run.name} is {run.state}{why} and may still store it.")
        elif run.message and findings.state in ("unknown", "waiting"):
            sentences.append(f"Its run {run.name} is {run.state}: {run.message.rstrip('.')}.")
    return sentences


def masked(value: Any) -> Any:
    """Return the same value with names and addresses of persons replaced, at any depth.

    In a map of names those of queues and wrap-up codes stay.
    """
    if isinstance(value, dict):
        public = {id_ for field in ("queueIds", "wrapUpCodes") for id_ in value.get(field) or ()}
        shown = {name: HIDDEN if name in PERSONAL else masked(inner) for name, inner in value.items()}
        if isinstance(names := value.get("names"), dict):
            shown["names"] = {id_: name if id_ in public else HIDDEN for id_, name in names.items()}
        return shown
    return [masked(each) for each in value] if isinstance(value, list) else value
