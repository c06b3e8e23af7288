"""The pure parts of the benchmark of growth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.benchmarks import tables
from tests.benchmarks.benchmark import Results
from tests.benchmarks.growth import BURST, GrowthStage, burst_sizes, database_bytes, stage
from tests.benchmarks.targets import TargetResult, check_targets
from tests.support.benchmark_figures import MEASURED, rendered

FIRST = GrowthStage(
    events=1_000, so_far=1_100, seconds=2.0, cpu_seconds=1.5, peak_mb=500.0, database_bytes=600_000
)


def later(**times: float) -> GrowthStage:
    """Return a stage of 300,000 interactions that is as the first, or so many times as much of a measurement."""
    return GrowthStage(
        events=300_000,
        so_far=301_100,
        seconds=600.0 * times.get("seconds", 1),
        cpu_seconds=450.0 * times.get("cpu", 1),
        peak_mb=500.0 * times.get("memory", 1),
        database_bytes=180_000_000,
    )


def verdicts(*stages: GrowthStage) -> dict[str, TargetResult]:
    """Return the targets of growth by what they are about."""
    found = check_targets(Results(growth=list(stages)))
    return {each.claim.split(":")[1].split()[0]: each for each in found}


def test_a_stage_is_full_bursts_and_a_rest() -> None:
    """No process holds more than one burst; the bursts are together the stage."""
    assert burst_sizes(1_000) == [1_000]
    assert burst_sizes(25_000) == [BURST, BURST, 5_000]
    assert sum(burst_sizes(300_000)) == 300_000


def test_a_stage_sums_its_bursts() -> None:
    """Time and CPU of all bursts, divided by all interactions; memory is the largest peak, not a sum."""
    found = stage([MEASURED, replace(MEASURED, burst=300, own_mb=600.0)], so_far=500, grown=1_000_000)
    assert (found.events, found.seconds, found.peak_mb) == (400, 20.0, 800.0)
    assert found.each_ms == 50.0
    assert found.cpu_each_ms == 300.0
    assert found.database_mb_per_million == 2500.0


def test_growth_that_stays_level_reaches_its_targets() -> None:
    """Up to 10 % more than the first stage is level, and so is any less."""
    found = verdicts(FIRST, later(seconds=1.09, cpu=0.5, memory=1.1))
    assert set(found) == {"time", "CPU", "memory"}
    assert all(each.reached for each in found.values())


def test_growth_of_more_than_a_tenth_misses_its_target() -> None:
    """Each measurement by itself, whichever stage it is that has more."""
    for name, about in (("seconds", "time"), ("cpu", "CPU"), ("memory", "memory")):
        found = verdicts(FIRST, later(**{name: 1.2}), later())
        assert [about] == [each for each, result in found.items() if not result.reached]
        assert found[about].measured == "1.20"


def test_a_single_stage_has_nothing_to_compare() -> None:
    """No target is reached by a run that did not show it."""
    assert verdicts(FIRST) == {}


def test_the_table_of_growth_fits() -> None:
    """Each stage is a row."""
    lines = rendered(tables.growth([FIRST, later()]))
    assert max(map(len, lines)) <= tables.WIDTH
    assert lines[-1].split() == ["300,000", "301,100", "600", "2.00", "1.50", "500", "600"]


def test_sqlite_is_as_large_as_its_files(tmp_path: Path) -> None:
    """What the log ahead of the file holds counts, too."""
    (tmp_path / "prefect.db").write_bytes(b"x" * 100)
    (tmp_path / "prefect.db-wal").write_bytes(b"x" * 11)
    (tmp_path / "other").write_bytes(b"x" * 1000)
    assert database_bytes(f"sqlite+aiosqlite:///{tmp_path / 'prefect.db'}") == 111
