"""The receipt of an erasure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from flows.receipt import Receipt
from tasks.erase import Tally

DUE = datetime(2026, 1, 15, 10, 16, tzinfo=UTC)
AROUND = {"versioning": "off", "interactions backups": "35 days", "quarantine backups": "off"}
RECEIPT = Receipt(
    "11111111-2222-4333-8444-555555555555",
    by_contact=False,
    dry_run=False,
    second_pass=False,
    found=Tally(records=3, objects=4, quarantined=1),
    again_at=DUE,
    around=AROUND,
)


def test_a_receipt_counts_and_says_when_it_is_done_again() -> None:
    """One line for the run's state, the same numbers in the artifact."""
    assert RECEIPT.summary() == (
        "erased: 3 records, 4 objects, 1 quarantine rows; once more at 2026-01-15T10:16:00.000Z"
    )
    assert "| records | 3 |" in RECEIPT.markdown()
    assert "2026-01-15T10:16:00.000Z" in RECEIPT.markdown()


def test_a_dry_run_says_that_nothing_was_erased() -> None:
    """Nobody takes a dry run's receipt for an erasure's."""
    dry = replace(RECEIPT, dry_run=True, again_at=None)
    assert dry.summary().startswith("dry run, nothing was erased")
    assert "would be removed" in dry.markdown()


def test_an_erasure_without_a_second_pass_says_so() -> None:
    """A receipt never lets a missing second pass go unnoticed."""
    assert "No second pass was scheduled" in replace(RECEIPT, again_at=None).markdown()
    assert "can still write" in replace(RECEIPT, again_at=None, second_pass=True).markdown()


def test_backups_are_told_as_far_as_known() -> None:
    """On for so many days, off, or not allowed to look: each in its own words."""
    told = dict(RECEIPT.elsewhere())
    assert told["Point-in-time backups of the interactions table"].startswith("35 days")
    assert told["Point-in-time backups of the quarantine table"].startswith("off")
    unknown = dict(replace(RECEIPT, around={"interactions backups": "unknown"}).elsewhere())
    assert "DescribeContinuousBackups" in unknown["Point-in-time backups of the interactions table"]


def test_old_versions_are_named_when_nobody_may_look() -> None:
    """A bucket whose versioning is unknown may keep old versions."""
    places = [place for place, _ in replace(RECEIPT, around={"versioning": "unknown"}).elsewhere()]
    assert any("Old versions" in place for place in places)
    assert not any("Old versions" in place for place, _ in RECEIPT.elsewhere())


def test_a_receipt_by_contact_says_what_a_contact_cannot_find() -> None:
    """What has no record any more is known by its id only."""
    assert "by its id only" in replace(RECEIPT, by_contact=True).markdown()
