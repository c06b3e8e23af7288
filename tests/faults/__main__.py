"""Inject every fault alone, then several at once, into a real sandbox: `python -m tests.faults`.

No discrepancy between the published events and what is stored may be left afterwards.
"""

from __future__ import annotations

import random
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from deployments.sandbox.termination import exit_on_signals
from tests.faults.discrepancy import Discrepancy
from tests.faults.fault import Fault
from tests.faults.fault_sandbox import FaultSandbox
from tests.faults.reconcile_schedule import INTERVAL
from tests.faults.trial import FAULTS, Trial, random_combination, run_trial
from tests.faults.verification import Comparison, console, discrepancy_table, summary

FOLDER = Path(".sandbox")
app = App(name="faults", help=__doc__)


@app.default
def inject_faults(
    *,
    seeds: int = 3,
    events: int = 1000,
    seed: list[int] | None = None,
    only: str | None = None,
    mixtures: int = 2,
    mixture: list[str] | None = None,
    times: int = 1,
    reconcile: bool = True,
    pool: Literal["interactions", "interactions-process"] = "interactions",
    timeout: Annotated[float, Parameter(name=("--timeout", "--patience"))] = 240,
) -> int:
    """Inject every fault, for each seed in a sandbox of its own.

    Args:
        seeds: How many random seeds.
        events: Events of a seed, shared out among its faults.
        seed: These seeds instead.
        only: Of the faults alone, those with this in their name.
        mixtures: How often several faults are injected at once.
        mixture: These faults at once, each by a part of its name, and no others.
        times: How often each trial is made.
        reconcile: Whether reconcile runs, as by its schedule; without it only the workers recover a lost run.
        pool: The work pool; with Prefect's own process pool a lost run comes back after 90 s, a stuck one after 120 s.
        timeout: Seconds after a fault within which every discrepancy must disappear.
    """
    out = console()
    chosen = seed or [random.SystemRandom().randrange(1_000_000) for _ in range(seeds)]
    with exit_on_signals():
        trials = [(each, _choose(each, only, mixtures, mixture or ()) * times) for each in chosen]
        start = partial(FaultSandbox.start, progress=out.print, reconcile=reconcile, pool=pool)
        results = [
            _one_seed(out, each, faults, events, timeout, start=start, reconcile=reconcile)
            for each, faults in trials
        ]
    failed = [each for each, trials in zip(chosen, results, strict=True) if not _passed(trials)]
    out.print(f"seeds {chosen}: {f'{failed} have discrepancies' if failed else 'no discrepancies'}")
    return 1 if failed else 0


def _passed(trials: list[Trial]) -> bool:
    return bool(trials) and not any(trial.comparison.discrepancies for trial in trials)


def _choose(seed: int, only: str | None, mixtures: int, mixture: Sequence[str]) -> list[list[Fault]]:
    """Return the faults of each trial."""
    if mixture:
        return [[fault for fault in FAULTS if any(part in fault.name for part in mixture)]]
    rng = random.Random(seed)
    alone = [[fault] for fault in FAULTS if only is None or only in fault.name]
    return alone + [random_combination(rng) for _ in range(mixtures)]


def _one_seed(
    out: Console,
    seed: int,
    chosen: list[list[Fault]],
    events: int,
    timeout: float,
    *,
    start: Callable[..., AbstractContextManager[FaultSandbox]],
    reconcile: bool,
) -> list[Trial]:
    rng, began = random.Random(seed), time.monotonic()
    share = max(1, events // len(chosen))
    folder, trials = FOLDER / f"faults-{seed}", list[Trial]()
    shutil.rmtree(folder, ignore_errors=True)
    out.print(f"seed {seed}: {len(chosen)} trials, {share} events each")
    try:
        with start(folder, seed) as target:
            for faults in chosen:
                trials.append(run_trial(target, faults, share, rng.randrange(1_000_000), timeout))
                _show(out, trials[-1])
    except Exception as error:  # noqa: BLE001 - the trials so far are reported, and the other seeds go on
        out.print_exception()
        trials.append(_broken_off(error))
    out.print(_table(seed, trials, time.monotonic() - began, reconcile=reconcile))
    if _passed(trials):
        shutil.rmtree(folder, ignore_errors=True)
    return trials


def _broken_off(error: Exception) -> Trial:
    found = Discrepancy("broke off", "the trials of this seed", f"{type(error).__name__}: {error}")
    return Trial("broke off", 0, 0.0, Comparison([found], 0.0))


def _show(out: Console, trial: Trial) -> None:
    out.print(f"{trial.name} ({trial.fault_seconds:.0f} s): {summary(trial.comparison)}", highlight=False)
    if trial.comparison.discrepancies:
        out.print(discrepancy_table(trial.comparison))


def _table(seed: int, trials: list[Trial], seconds: float, *, reconcile: bool) -> Table:
    shown = Table(title=f"seed {seed}, {seconds:.0f} s")
    for heading in ("fault", "events", "outcomes", "lasted, s", "settled after, s", "by reconcile"):
        shown.add_column(heading, overflow="fold")
    for trial in trials:
        comparison = trial.comparison
        counts = ", ".join(f"{count} {name}" for name, count in comparison.outcomes.items())
        after = "never" if comparison.discrepancies else f"{comparison.seconds:.0f}"
        lasted = f"{trial.fault_seconds:.0f}"
        shown.add_row(trial.name, str(trial.events), counts, lasted, after, trial.restarted_by_reconcile)
    if not reconcile:
        shown.caption = "reconcile did not run"
        return shown
    shown.caption = (
        f"reconcile ran every {INTERVAL:.0f} s, as its schedule does every hour; the last column counts the "
        "interactions that it had to start again"
    )
    return shown


if __name__ == "__main__":
    sys.exit(app())
