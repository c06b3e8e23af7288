"""Metrics of a worker that has OTEL_EXPORTER_OTLP_ENDPOINT: what came is what happened, and no id is in it."""

from __future__ import annotations

import uuid
from datetime import datetime

from tasks.pipeline.outcomes import count_summaries
from tests.support.events import event_text
from tests.support.otlp import Receiver, receiving
from tests.support.sandbox import SandboxDriver, replaced_worker

EVENTS, LAG, REQUESTS = "interactions.events", "interactions.lag", "interactions.genesys.requests"


def outcomes_since(driver: SandboxDriver, began: datetime) -> dict[str, float]:
    """Return the outcomes that runs which ended since then have counted: other tests may have left some to do."""
    runs = driver.runs(end_time={"after_": began.isoformat()})
    found = count_summaries(run["state"]["message"] for run in runs if run["state"])
    return {kind.value: count for kind, count in found.items() if count}


def counts_as_genesys(driver: SandboxDriver, receiver: Receiver) -> bool:
    """Return whether every request is in the metrics; the worker's first, for its own token, came before the reset."""
    mine = receiver.by(REQUESTS, "status")
    its: dict[str, int] = driver.simulator_state()["by_status"]
    return mine.get("429") == its["429"] and all(mine.get(status, 0) >= its[status] for status in its)


def test_a_workers_metrics_are_what_happened(driver: SandboxDriver) -> None:
    """Saved, rejected, deferred and throttled; Genesys counts the same requests, and only this worker sends any."""
    with receiving() as receiver:
        sent = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_METRIC_EXPORT_INTERVAL": "500"}
        with replaced_worker(driver.sandbox, **sent) as began:
            driver.simulator("reset")
            saved, waiting, throttled = ([str(uuid.uuid4()) for _ in range(n)] for n in (3, 1, 1))
            driver.finished(driver.create_run([*map(event_text, saved), "no event"]))
            driver.finished(driver.create_run([event_text(saved[0])]))
            driver.simulator("faults", not_settled_ids=waiting)
            driver.finished(driver.create_run([event_text(waiting[0])], attempt=1_000))
            driver.simulator("faults", throttle={"retry_after": 1800, "for_seconds": 600})
            driver.finished(driver.create_run([event_text(throttled[0])]))

            driver.until(lambda: receiver.by(EVENTS, "outcome") == outcomes_since(driver, began))
            driver.until(lambda: counts_as_genesys(driver, receiver))
            driver.until(lambda: receiver.value("interactions.runs") == 0)

    assert {"saved", "unchanged", "rejected", "deferred"} <= receiver.by(EVENTS, "outcome").keys()
    assert (receiver.count(LAG, since="end", priority="live") or 0) >= len(saved)
    assert (receiver.count("interactions.deferral.age", reason="throttled") or 0) >= 1
    assert (receiver.value("interactions.store.conflicts", store="table") or 0) >= 1
    used = receiver.value("interactions.budget.used")
    assert used is not None
    assert 0 < used <= driver.limit("genesys-requests")["limit"]
    everything = "".join(receiver.texts)
    assert not [id_ for id_ in (*saved, *waiting, *throttled) if id_ in everything]
