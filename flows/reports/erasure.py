"""The report of an erasure: what was found and removed, in numbers, and what it cannot reach."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from prefect.artifacts import acreate_markdown_artifact

from flows.runs.current_run import run_link
from tasks.erase import ErasureCounts
from tasks.values import iso

_FOUND = {
    "records": "records",
    "placeholders": "interactions that waited for Genesys",
    "staged": "staged objects that held them",
    "objects": "objects of releases before 0.2 (versions counted)",
    "rows": "rows of the analytics tables, with every file that held them",
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
class ErasureReport:
    """One run of an erasure; `receipt_id` is the first run's id, also in the report of its follow-up."""

    receipt_id: str
    searched: bool
    """Whether the interactions were searched for, by contact or by customer keys."""
    dry_run: bool
    is_follow_up: bool
    found: ErasureCounts
    follow_up_at: datetime | None
    backups: dict[str, str]
    without_keys: int = 0
    """Records that have no customer keys: no search by address finds them."""

    @property
    def key(self) -> str:
        """The artifact's key: the runs of an erasure are versions of one artifact."""
        return f"erasure-{self.receipt_id}"

    def summary(self) -> str:
        """Return one line for the run's state."""
        found = self.found
        what = f"{found.records} records, {found.staged + found.objects} objects, {found.quarantined} quarantine rows"
        if self.dry_run:
            unsearched = f"; {self._unsearched()}" if self.without_keys else ""
            return f"dry run, nothing was erased: {what} would go{unsearched}"
        again = f"; once more at {iso(self.follow_up_at)}" if self.follow_up_at else ""
        unsearched = f"; {self._unsearched()}" if self.without_keys else ""
        return f"erased: {what}{' in the second pass' if self.is_follow_up else ''}{again}{unsearched}"

    def markdown(self) -> str:
        """Return the whole report."""
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
        """Return what this erasure cannot reach, and how long each of it is kept."""
        tables = [
            (
                f"Point-in-time backups of the {name} table",
                _retention(self.backups.get(f"{name} backups", "")),
            )
            for name in ("interactions", "quarantine")
        ]
        versions = {
            "unknown": [
                ("Old versions of objects, if the bucket is versioned", "allow s3:GetBucketVersioning")
            ]
        }
        return [*_ELSEWHERE, *tables, *versions.get(self.backups.get("versioning", ""), [])]

    def _title(self) -> str:
        if self.dry_run:
            return "Erasure, dry run: nothing was erased"
        return "Erasure, second pass" if self.is_follow_up else "Erasure"

    def _request(self) -> str:
        if not self.searched:
            return "Asked for by interaction ids."
        text = (
            "Asked for by an external contact or by customer keys: every stored interaction of theirs. An interaction "
            "that Genesys has not answered for yet, or whose record has expired, is known by its id only."
        )
        return f"{text} **{self._unsearched()}**" if self.without_keys else text

    def _unsearched(self) -> str:
        return f"{self.without_keys} records have no customer keys and were not searched: rebuild them and erase again."

    def _next(self) -> str:
        if self.dry_run:
            return "Run it again with `dry_run` off to erase."
        if self.follow_up_at:
            return (
                f"All is deleted once more at {iso(self.follow_up_at)}: a run in flight may write until then."
            )
        if self.is_follow_up:
            return "No run that began before the erasure can still write. The tombstones stay."
        return (
            "**No second pass was scheduled**: run the erasure again when no run of before can be in flight."
        )


def _retention(recovery: str) -> str:
    if recovery == "off":
        return "off: there are none"
    if recovery.endswith("days"):
        return f"{recovery}; a restored table holds the interactions again: erase them there too"
    return "35 days at the most (allow dynamodb:DescribeContinuousBackups to see)"


async def publish(report: ErasureReport) -> None:
    """Publish the report as an artifact."""
    await acreate_markdown_artifact(report.markdown(), key=report.key, description=report.summary())
