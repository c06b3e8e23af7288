"""The benchmark's JSON, and the comparison of two of them."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks import comparison
from tests.benchmarks.allowance import AllowanceUse
from tests.benchmarks.benchmark import Results
from tests.benchmarks.cost import Bill, CostLine
from tests.benchmarks.document import SCHEMA, NotABenchmark, read_document, to_document, write_document
from tests.benchmarks.figures import Figure
from tests.benchmarks.growth import GrowthStage
from tests.benchmarks.tables import WIDTH
from tests.benchmarks.targets import TargetResult
from tests.support.benchmark_figures import MEASURED, rendered


def results(**changes: Any) -> Results:
    """Return the measurements of a run, some of them changed in its only burst."""
    return Results(
        figures=[replace(MEASURED, **changes)],
        sustained=replace(MEASURED, burst=30_000, requests=300, request_seconds=60.0, limited=True),
        bridge={"bus to row": [0.4, 0.5], "own calls": [0.01, 0.02]},
        memory=[(10_000, 200.0), (50_000, 210.0)],
        cost=[Bill("records only", 100, [CostLine("sqs-request", 1e6, 0.4)])],
        allowance=[AllowanceUse(2, 1_200, 294.0, 300)],
        growth=[GrowthStage(1_000, 1_100, 2.0, 1.5, 500.0, 600_000)],
    )


def document(found: Results, **conditions: str) -> dict[str, Any]:
    """Return a run's JSON."""
    return to_document(found, [TargetResult("a claim", "1", reached=True)], conditions, 12.34)


def saved(folder: Path, name: str, found: dict[str, Any]) -> str:
    """Write a run and return its path."""
    write_document(found, folder / name)
    return str(folder / name)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """The JSON holds every measurement of every burst."""
    written = document(results(), date="today")
    read = read_document(Path(saved(tmp_path, "a.json", written)))
    assert read == json.loads(json.dumps(written))
    assert len(read["bursts"][0]) == len(fields(Figure)) + 1  # and the rate


def test_every_key_is_documented() -> None:
    """A key of the JSON stands in docs/benchmarks.md, between backticks."""
    page = (Path(__file__).parents[2] / "docs/benchmarks.md").read_text()
    found = document(results())
    keys = {
        *found,
        *found["bursts"][0],
        *found["single_event_seconds"],
        *found["worker_memory"][0],
        *found["growth"][0],
        *found["allowance"][0],
        *found["cost"][0],
        *found["cost"][0]["lines"][0],
    }
    assert [key for key in sorted(keys | set(found["targets"][0])) if f"`{key}`" not in page] == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "No such file"),
        ("not JSON", "is not JSON"),
        ("[]", "no `schema`"),
        ('{"figures": []}', "no `schema`"),
        (json.dumps({"schema": SCHEMA + 1}), f"has schema {SCHEMA + 1}"),
    ],
)
def test_a_file_that_is_no_benchmark_is_named(tmp_path: Path, text: str | None, reason: str) -> None:
    """The error says which file it is, and what is wrong with it."""
    path = tmp_path / "b.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(NotABenchmark, match=reason) as caught:
        read_document(path)
    assert str(path) in str(caught.value)


def test_a_run_half_as_fast_has_the_ratio_one_half() -> None:
    """Ratios are B / A: of the rate, of CPU with the server's, and of memory with the server's."""
    slower = results(seconds=20.0, own_cpu=140.0, server_cpu=10.0, own_mb=700.0)
    lines = rendered(comparison.bursts(document(results()), document(slower)))
    assert max(map(len, lines)) <= WIDTH
    row = next(line.split() for line in lines if line.startswith("100"))
    assert row == ["100", "one", "off", "10.0", "5.00", "0.50", "600", "1500", "2.50", "1.29"]


def test_only_what_both_runs_have_is_compared() -> None:
    """A burst of one run, and a part that one run left out, have no row."""
    alone = Results(figures=[replace(MEASURED, burst=1_000)])
    assert comparison.bursts(document(results()), document(alone)).row_count == 0
    assert comparison.others(document(results()), document(alone)).row_count == 0
    assert comparison.others(document(results()), document(results())).row_count == 14


def test_differences_of_the_conditions_are_named() -> None:
    """Runs of two machines are not silently compared."""
    one, other = (
        document(results(), machine="2 cores", DBOS="Postgres"),
        document(results(), machine="8 cores"),
    )
    assert list(comparison.conditions(one, other)) == [
        "machine: A 2 cores; B 8 cores",
        "DBOS: A Postgres; B -",
    ]


def test_the_program_compares_two_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It prints both tables, none of whose lines is longer than 100 columns."""
    files = [saved(tmp_path, name, document(results(), machine="2 cores")) for name in ("a.json", "b.json")]
    assert comparison.main(files) == 0
    printed = capsys.readouterr().out
    assert "B / A" in printed
    assert "sustained: requests a minute" in printed


def test_the_program_refuses_what_is_not_two_benchmarks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One file, or a wrong one, ends it with 2 and one line, without a traceback."""
    good = saved(tmp_path, "a.json", document(results()))
    bad = saved(tmp_path, "b.json", {"figures": []})
    assert comparison.main([good]) == 2
    assert comparison.main([good, bad]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in errors] == [
        "Two files are needed",
        f"{bad} is not the result of `make bench`",
    ]
