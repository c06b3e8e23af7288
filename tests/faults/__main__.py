"""Every fault alone, then several at once, on a real sandbox: `python -m tests.faults`. The books must balance."""

from __future__ import annotations

import random
import shutil
import sys
import time
from pathlib import Path

from cyclopts import App
from rich.console import Console
from rich.table import Table

from deployments.sandbox.__main__ import ending_cleanly
from tests.faults.balance import Finding
from tests.faults.fault import Fault
from tests.faults.ledger import Balance, console, table, told
from tests.faults.reconciling import EVERY
from tests.faults.stand import Stand
from tests.faults.trial import FAULTS, Trial, attempt, together

FOLDER = Path(".sandbox")
app = App(name="faults", help=__doc__)


@app.default
def try_faults(
    *,
    seeds: int = 3,
    events: int = 1000,
    seed: list[int] | None = None,
    only: str | None = None,
    mixtures: int = 2,
    patience: float = 180,
) -> int:
    """Try every fault, for each seed in a sandbox of its own.

    Args:
        seeds: How many fresh seeds.
        events: Events of a seed, shared out among its faults.
        seed: These seeds instead.
        only: Of the faults alone, those with this in their name.
        mixtures: How often several faults are had at once.
        patience: Seconds until the books must balance after a fault.
    """
    out = console()
    chosen = seed or [random.SystemRandom().randrange(1_000_000) for _ in range(seeds)]
    with ending_cleanly():
        results = [_one_seed(out, each, _chosen(each, only, mixtures), events, patience) for each in chosen]
    failed = [each for each, trials in zip(chosen, results, strict=True) if not _balanced(trials)]
    out.print(f"seeds {chosen}: {'all balance' if not failed else f'{failed} do not balance'}")
    return 1 if failed else 0


def _balanced(trials: list[Trial]) -> bool:
    return bool(trials) and not any(trial.balance.findings for trial in trials)


def _chosen(seed: int, only: str | None, mixtures: int) -> list[list[Fault]]:
    """Which faults are had, one trial after the other."""
    rng = random.Random(seed)
    alone = [[fault] for fault in FAULTS if only is None or only in fault.name]
    return alone + [together(rng) for _ in range(mixtures)]


def _one_seed(
    out: Console, seed: int, chosen: list[list[Fault]], events: int, patience: float
) -> list[Trial]:
    rng, began = random.Random(seed), time.monotonic()
    share = max(1, events // len(chosen))
    folder, trials = FOLDER / f"faults-{seed}", list[Trial]()
    shutil.rmtree(folder, ignore_errors=True)
    out.print(f"seed {seed}: {len(chosen)} trials, {share} events each")
    try:
        with Stand.up(folder, seed, out.print) as stand:
            for faults in chosen:
                trials.append(attempt(stand, faults, share, rng.randrange(1_000_000), patience))
                _show(out, trials[-1])
    except Exception as error:  # noqa: BLE001 - what was tried is still told, and the other seeds go on
        out.print_exception()
        trials.append(_broken_off(error))
    out.print(_table(seed, trials, time.monotonic() - began))
    if _balanced(trials):
        shutil.rmtree(folder, ignore_errors=True)
    return trials


def _broken_off(error: Exception) -> Trial:
    finding = Finding("broke off", "the trials of this seed", f"{type(error).__name__}: {error}")
    return Trial("broke off", 0, 0.0, Balance([finding], 0.0))


def _show(out: Console, trial: Trial) -> None:
    out.print(f"{trial.name} ({trial.lasted:.0f} s): {told(trial.balance)}", highlight=False)
    if trial.balance.findings:
        out.print(table(trial.balance))


def _table(seed: int, trials: list[Trial], seconds: float) -> Table:
    shown = Table(title=f"seed {seed}, {seconds:.0f} s")
    for heading in ("fault", "events", "outcomes", "lasted, s", "balanced after, s", "by reconcile"):
        shown.add_column(heading, overflow="fold")
    for trial in trials:
        counts = ", ".join(f"{count} {name}" for name, count in trial.balance.outcomes.items())
        after = "never" if trial.balance.findings else f"{trial.balance.seconds:.0f}"
        shown.add_row(trial.name, str(trial.events), counts, f"{trial.lasted:.0f}", after, trial.reconciled)
    shown.caption = (
        f"reconcile ran every {EVERY:.0f} s, as its schedule does every hour; the last column counts interactions "
        "that it had to start again"
    )
    return shown


if __name__ == "__main__":
    sys.exit(app())
