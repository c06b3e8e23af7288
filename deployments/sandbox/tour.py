"""`demo --tour`: events that are no ordinary ones, each explained as it ends, and a question in SQL."""

from __future__ import annotations

import uuid
from collections import Counter
from typing import Any

import requests
from rich.console import Console

from deployments.sample_events import customer_end, put_events
from deployments.sandbox.outcomes import Outcomes, wait_for_outcomes
from deployments.sandbox.processes import SandboxError
from deployments.sandbox.question import PUBLISH, QUESTION, answer, answer_table, published
from deployments.sandbox.sandbox import EVENT_SOURCE, Sandbox
from deployments.sandbox.stored import interactions, row_text, rows
from tasks.pipeline.outcomes import OutcomeKind

ENVIRONMENT = {"DEFERRAL_DELAYS": "2,2,2,2,2", "DEFERRAL_INTERVAL": "2"}
"""Settings of the workers: a conversation that has not ended is asked for again after seconds, not minutes."""

_LATE = 2  # seconds for which Genesys does not know of an end yet
GO_ON = f"""\
Go on with a sandbox of your own, kept up until Ctrl-C:
  make sandbox
and in another shell:
  . .venv/bin/activate; set -a; . .sandbox/env; set +a
  ID=$(python -m deployments.sandbox put)
  interactions inspect $ID
  prefect deployment run 'replay-interactions/replay' -p "interaction_ids=[\\"$ID\\"]"
  prefect deployment run '{PUBLISH}' --watch
  interactions tables"""


class Tour:
    """A tour of a sandbox whose workers have ENVIRONMENT; `counts` has each event's last outcome so far."""

    def __init__(self, sandbox: Sandbox, console: Console, counts: Outcomes) -> None:
        self.counts = counts
        self.ended_well = True
        self._sandbox = sandbox
        self._console = console

    def send_events(self) -> None:
        """Send the events that are no ordinary ones, one after the other, and print one whole record."""
        self._say("\nEvents that are no ordinary ones, and what becomes of them:")
        self._send_wrong()
        self._send_twice()
        record = self._send_late()
        self._say(f"\nOne whole record, that of the last one:\n{row_text(record)}")

    def ask(self) -> None:
        """Publish what is stored, print a question, its answer, and what to type next."""
        self._say(f"\nprefect deployment run '{PUBLISH}'")
        try:
            self._say(f"  {published(self._sandbox)}")
            self._say(f'\ninteractions sql "{QUESTION}"')
            found = answer(self._sandbox)
        except SandboxError as error:
            self._explain("failed", str(error), ended_well=False)
        else:
            self._console.print(answer_table(found))
            counted, saved = sum(row["interactions"] for row in found), self.counts[OutcomeKind.SAVED]
            told = f"{counted} interactions in the tables, {saved} saved."
            self._explain("answered", told, ended_well=counted == saved)
        self._say(f"\n{GO_ON}\n")

    def _send_wrong(self) -> None:
        self._put(f"no-uuid-{uuid.uuid4()}")
        as_wanted = self._wait_for(OutcomeKind.REJECTED)
        kept = rows(self._sandbox, self._sandbox.addresses.quarantine_table)
        code, error = (kept[0]["code"], kept[0]["error"].partition(". ")[0]) if kept else ("", "")
        self._explain(
            "rejected",
            f"A wrong event is in quarantine, with its reason: {code}.",
            f"{error}.",
            ended_well=as_wanted and len(kept) == 1,
        )

    def _send_twice(self) -> None:
        id_ = str(uuid.uuid4())
        self._put(id_)
        as_wanted = self._wait_for(OutcomeKind.SAVED)
        runs = self._row(id_).get("runs")  # those that changed it
        self._put(id_)
        as_wanted &= self._wait_for(OutcomeKind.UNCHANGED)
        self._explain(
            "unchanged",
            f"{id_} came twice.",
            "The first event saved the record, the second found nothing to change.",
            ended_well=as_wanted and runs is not None and runs == self._row(id_).get("runs"),
        )

    def _send_late(self) -> dict[str, Any]:
        """Return the row that is there at last."""
        id_ = str(uuid.uuid4())
        self._simulate(not_settled_for=_LATE)
        self._put(id_)
        self._wait(self.counts.total() + 1, deferred=1)
        self._explain(
            "deferred",
            f"{id_} has not ended yet.",
            f"A later run asks for it again, {_LATE} s from now; no run sleeps meanwhile.",
        )
        as_wanted = self._wait_for(OutcomeKind.SAVED)
        self._simulate(not_settled_for=0)
        row = self._row(id_)
        attempt = int(row.get("attempt", 0))
        self._explain(
            "saved",
            f"The same one, by attempt {attempt}: now it has ended.",
            ended_well=as_wanted and bool(row.get("settled")) and attempt > 1,
        )
        return row

    def _put(self, id_: str) -> None:
        bus = self._sandbox.addresses.event_bus
        put_events(self._sandbox.client("events"), bus, [customer_end(id_, EVENT_SOURCE)])

    def _row(self, id_: str) -> dict[str, Any]:
        return interactions(self._sandbox).get(id_, {})

    def _wait_for(self, kind: OutcomeKind) -> bool:
        """Wait until one more event has an outcome and none is deferred; return whether it is of this kind."""
        wanted = self.counts + Counter({kind: 1})
        self.counts = self._wait(wanted.total())
        return self.counts == wanted

    def _wait(self, events: int, deferred: int = 0) -> Outcomes:
        """Wait until so many events have an outcome, and so many of them at most are deferred."""
        return wait_for_outcomes(
            self._sandbox.addresses.prefect_api_url,
            lambda counts: counts.total() >= events and counts[OutcomeKind.DEFERRED] <= deferred,
            lambda _: None,
        )

    def _simulate(self, **faults: float) -> None:
        url = f"{self._sandbox.addresses.genesys_api_url}/_sim/faults"
        requests.post(url, json=faults, timeout=10).raise_for_status()

    def _explain(self, outcome: str, *lines: str, ended_well: bool = True) -> None:
        """Print how something ended, and that it should not have."""
        self.ended_well &= ended_well
        text = f"\n{'':13}".join(lines if ended_well else ("This should have ended otherwise:", *lines))
        self._say(f"  {outcome:<10} {text}", style="" if ended_well else "red")

    def _say(self, text: str, style: str = "") -> None:
        self._console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)
