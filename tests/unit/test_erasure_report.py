"""The report of an erasure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from flows.reports.erasure import ErasureReport
from tasks.erase import ErasureCounts

DUE = datetime(2026, 1, 15, 10, 16, tzinfo=UTC)
BACKUPS = {"versioning": "off", "interactions backups": "35 days", "quarantine backups": "off"}
REPORT = ErasureReport(
    "11111111-2222-4333-8444-555555555555",
    searched=False,
    dry_run=False,
    is_follow_up=False,
    found=ErasureCounts(records=3, objects=1, staged=3, quarantined=1),
    follow_up_at=DUE,
    backups=BACKUPS,
)


def test_a_report_has_counts_and_the_time_of_the_follow_up() -> None:
    """The run's message and the artifact have the same numbers."""
    assert REPORT.summary() == (
        "erased: 3 records, 4 objects, 1 quarantine rows; once more at 2026-01-15T10:16:00.000Z"
    )
    assert "| records | 3 |" in REPORT.markdown()
    assert "| staged objects that held them | 3 |" in REPORT.markdown()
    assert "2026-01-15T10:16:00.000Z" in REPORT.markdown()


def test_a_dry_run_says_that_nothing_was_erased() -> None:
    """Message and artifact of a dry run say that nothing was erased."""
    dry = replace(REPORT, dry_run=True, follow_up_at=None)
    assert dry.summary().startswith("dry run, nothing was erased")
    assert "would be removed" in dry.markdown()


def test_an_erasure_without_a_follow_up_says_so() -> None:
    """The report says that no follow-up was scheduled."""
    assert "No second pass was scheduled" in replace(REPORT, follow_up_at=None).markdown()
    assert "can still write" in replace(REPORT, follow_up_at=None, is_follow_up=True).markdown()


def test_the_retention_of_backups_is_reported() -> None:
    """Backups are kept for so many days, off, or unknown for want of a permission."""
    places = dict(REPORT.elsewhere())
    assert places["Point-in-time backups of the interactions table"].startswith("35 days")
    assert places["Point-in-time backups of the quarantine table"].startswith("off")
    unknown = dict(replace(REPORT, backups={"interactions backups": "unknown"}).elsewhere())
    assert "DescribeContinuousBackups" in unknown["Point-in-time backups of the interactions table"]


def test_old_versions_are_reported_when_versioning_is_unknown() -> None:
    """A bucket with unknown versioning may keep old versions."""
    places = [place for place, _ in replace(REPORT, backups={"versioning": "unknown"}).elsewhere()]
    assert any("Old versions" in place for place in places)
    assert not any("Old versions" in place for place, _ in REPORT.elsewhere())


def test_a_report_by_contact_says_what_a_contact_does_not_find() -> None:
    """Interactions without a record can be erased by id only."""
    assert "by its id only" in replace(REPORT, searched=True).markdown()
