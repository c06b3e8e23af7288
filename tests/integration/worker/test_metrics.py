"""Metrics of a worker that has OTEL_EXPORTER_OTLP_ENDPOINT: what came is what happened, and no id is in it."""

from __future__ import annotations

import uuid

from tests.support.events import event_text
from tests.support.otlp import receiving
from tests.support.sandbox import SandboxDriver, replaced_worker

EVENTS, LAG, REQUESTS = "interactions.events", "interactions.lag", "interactions.genesys.requests"


def test_a_workers_metrics_are_what_happened(driver: SandboxDriver) -> None:
    """Saved, rejected, deferred and throttled; Genesys counts the same requests, and only this worker sends any."""
    with receiving() as receiver:
        sent = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_METRIC_EXPORT_INTERVAL": "500"}
        with replaced_worker(driver.sandbox, **sent):
            driver.simulator("reset")
            saved, waiting, throttled = ([str(uuid.uuid4()) for _ in range(n)] for n in (3, 1, 1))
            driver.finished(driver.create_run([*map(event_text, saved), "no event"]))
            driver.finished(driver.create_run([event_text(saved[0])]))
            driver.simulator("faults", not_settled_ids=waiting)
            driver.finished(driver.create_run([event_text(waiting[0])], attempt=1_000))
            driver.simulator("faults", throttle={"retry_after": 1800, "for_seconds": 600})
            driver.finished(driver.create_run([event_text(throttled[0])]))

            wanted = {"saved": 4, "unchanged": 1, "rejected": 1, "deferred": 1}
            driver.until(lambda: receiver.by(EVENTS, "outcome") == wanted, 60)
            by_status = driver.simulator_state()["by_status"]
            driver.until(lambda: receiver.by(REQUESTS, "status") == by_status)
            driver.until(lambda: receiver.value("interactions.runs") == 0)

    assert by_status["429"] >= 1
    assert receiver.count(LAG, since="end", priority="live") == len(saved)
    assert receiver.count("interactions.deferral.age", reason="throttled") == 1
    assert (receiver.value("interactions.store.conflicts", store="table") or 0) >= 1
    used = receiver.value("interactions.budget.used")
    assert used is not None
    assert 0 < used <= driver.limit("genesys-requests")["limit"]
    everything = "".join(receiver.texts)
    assert not [id_ for id_ in (*saved, *waiting, *throttled) if id_ in everything]
