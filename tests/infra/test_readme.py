"""What the README tells of infrastructure is what there is: commands, flags, parameters, settings, permissions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deployments.resources import LIMITS, POOLS
from infra.cli import app
from infra.parameters import defaults
from tasks.settings import Settings
from tests.infra.aws import infra
from tests.infra.test_template import template

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
GROWING = README.split("\n## Growing\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("name", sorted(set(re.findall(r"python -m infra (\w+)", README))))
def test_every_command_exists(name: str) -> None:
    """Each `python -m infra` command of the README has a help page."""
    assert name in app
    assert infra(name, "--help").returncode == 0


def test_every_flag_of_deploy_exists() -> None:
    """Each flag that the README gives to infra is one of deploy's."""
    flags = set(re.findall(r"`(--[a-z-]+)", README)) - {"--reveal", "--no-services"}
    known = infra("deploy", "--help").stdout
    assert {"--settle-seconds", "--subnet-id"} <= flags
    assert [flag for flag in sorted(flags) if f"{flag} " not in known] == []


def test_every_template_parameter_exists() -> None:
    """What is set with --set is a parameter of the template, what is overridden one of the workers'."""
    assert set(re.findall(r"--set\.(\w+)", README)) <= set(defaults())
    overridden = README.split("--parameter-overrides")[1].split("```")[0]
    given, workers = set(re.findall(r"(\w+)=\.\.\.", overridden)), template("worker.yaml")["Parameters"]
    assert given <= set(workers)
    assert {name for name, each in workers.items() if "Default" not in each} <= given


def test_the_defaults_of_the_knobs_are_the_real_ones() -> None:
    """The table's numbers are the template's, the settings' and apply's."""
    values, fields = defaults(), Settings.model_fields
    queues = ", ".join(str(queue.limit) for queue in POOLS[0].queues)
    limits = {each.name: str(each.limit) for each in LIMITS}
    rows = {
        "--set.BatchSize": f"{values['BatchSize']}, {values['BatchWindowSeconds']} s",
        "--set.MaximumConcurrency": values["MaximumConcurrency"],
        "--set.MaxWaitingRuns": values["MaxWaitingRuns"],
        "--settle-seconds": f"{values['SettleSeconds']} s",
        "work queue limits": queues,
        "CHUNKS_IN_FLIGHT": str(fields["chunks_in_flight"].default),
        "STORE_CONCURRENCY": str(fields["store_concurrency"].default),
        "limit `store-writes`": limits["store-writes"],
        "limits `genesys-requests`": f"{limits['genesys-requests']}, {limits['genesys-requests-background']}",
        "SETTLE_DELAYS": ", ".join(f"{s // 60}" for s in fields["settle_delays"].default) + " min; 4 h; 24 h",
    }
    for knob, default in rows.items():
        assert re.search(
            rf"^\| `?{re.escape(knob)}[^|]*\| {re.escape(str(default))} \|", GROWING, re.MULTILINE
        ), knob
