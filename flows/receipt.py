"""The receipt of an erasure: what was found and removed, in numbers, and what it cannot reach."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from prefect.artifacts import acreate_markdown_artifact

from flows.links import run_link
from tasks.erase import Tally
from tasks.stores.dynamodb import iso

_FOUND = {
    "records": "records",
    "placeholders": "interactions that waited for Genesys",
    "objects": "objects in the bucket (versions counted)",
    "quarantined": "quarantine rows",
    "tombstones": "erased before (a tombstone stood)",
    "nothing": "not stored (a tombstone keeps them away)",
}
# What is kept elsewhere, with the parameter of infra/template.yaml that says for how long.
_ELSEWHERE = (
    ("Genesys Cloud itself", "its own retention; erase there first, or a reconcile would find what it keeps"),
    ("EventBridge archive (raw events)", "the stack's ArchiveDays: 30 days by default, 0 is for ever"),
    (
        "Buffer and dead-letter queue (raw events)",
        "14 days at the most; `python -m infra redrive` shows them",
    ),
    (
        "The bridge's log group",
        "the stack's LogDays: 30 days by default; it holds ids, no addresses or names",
    ),
    (
        "Prefect's runs, logs, events, artifacts",
        "the server's retention; they hold ids, no addresses or names",
    ),
    ("On-demand backups and exports that were made by hand", "until they are deleted by hand"),
)


@dataclass(frozen=True)
class Receipt:
    """One pass of an erasure; its id is the first pass's run."""

    receipt_id: str
    by_contact: bool
    dry_run: bool
    second_pass: bool
    found: Tally
    again_at: datetime | None
    around: dict[str, str]

    @property
    def key(self) -> str:
        """The artifact's key: all passes of an erasure are versions of one artifact."""
        return f"erasure-{self.receipt_id}"

    def summary(self) -> str:
        """One line for the run's state."""
        found = self.found
        what = f"{found.records} records, {found.objects} objects, {found.quarantined} quarantine rows"
        if self.dry_run:
            return f"dry run, nothing was erased: {what} would go"
        again = f"; once more at {iso(self.again_at)}" if self.again_at else ""
        return f"erased: {what}{' in the second pass' if self.second_pass else ''}{again}"

    def markdown(self) -> str:
        """The whole receipt."""
        verb = "would be removed" if self.dry_run else "removed"
        rows = [f"| {label} | {getattr(self.found, name)} |" for name, label in _FOUND.items()]
        elsewhere = [f"| {what} | {how_long} |" for what, how_long in self.elsewhere()]
        return "\n".join(
            [
                f"# {self._title()}",
                f"Receipt `{self.receipt_id}`, {run_link()}. {self._request()}",
                "",
                f"| Found | {verb} |",
                "| --- | --- |",
                *rows,
                "",
                self._next(),
                "",
                "## Out of reach",
                "| Where | How long |",
                "| --- | --- |",
                *elsewhere,
            ]
        )

    def elsewhere(self) -> list[tuple[str, str]]:
        """What this erasure cannot reach, and how long each of it lives."""
        backups = [
            (f"Point-in-time backups of the {name} table", _backups(self.around.get(f"{name} backups", "")))
            for name in ("interactions", "quarantine")
        ]
        versions = {
            "unknown": [
                ("Old versions of objects, if the bucket is versioned", "allow s3:GetBucketVersioning")
            ]
        }
        return [*_ELSEWHERE, *backups, *versions.get(self.around.get("versioning", ""), [])]

    def _title(self) -> str:
        if self.dry_run:
            return "Erasure, dry run: nothing was erased"
        return "Erasure, second pass" if self.second_pass else "Erasure"

    def _request(self) -> str:
        if not self.by_contact:
            return "Asked for by interaction ids."
        return (
            "Asked for by an external contact: every stored interaction that it took part in. An interaction "
            "that Genesys has not answered for yet, or whose record has expired, is known by its id only."
        )

    def _next(self) -> str:
        if self.dry_run:
            return "Run it again with `dry_run` off to erase."
        if self.again_at:
            return f"All is deleted once more at {iso(self.again_at)}: a run in flight may write until then."
        if self.second_pass:
            return "No run that began before the erasure can still write. The tombstones stay."
        return (
            "**No second pass was scheduled**: run the erasure again when no run of before can be in flight."
        )


def _backups(recovery: str) -> str:
    if recovery == "off":
        return "off: there are none"
    if recovery.endswith("days"):
        return f"{recovery}; a restored table holds the interactions again: erase them there too"
    return "35 days at the most (allow dynamodb:DescribeContinuousBackups to see)"


async def leave(receipt: Receipt) -> None:
    """Leave the receipt as an artifact."""
    await acreate_markdown_artifact(receipt.markdown(), key=receipt.key, description=receipt.summary())
