"""A Prefect cluster whose parts are killed while 2,000 events are on their way: the books balance."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from deployments.sandbox.cluster import API_SERVERS, SERVICES, Cluster
from tests.faults.event_generator import EventGenerator
from tests.faults.fault_sandbox import SETTINGS
from tests.faults.sandbox_view import SandboxView
from tests.faults.verification import Verifier

pytestmark = [pytest.mark.long, pytest.mark.timeout(1500)]
EVENTS = 2000
SEED = 20261126
OUTAGE = 10.0  # seconds until a supervisor has started again what was killed
WAIT = 600.0  # seconds


def test_what_is_killed_costs_no_event(tmp_path: Path) -> None:
    """An API server, the one that the bridge knows, the services and a worker get SIGKILL half way.

    No reconcile runs: a run whose event died with the server is found by a worker.
    """
    with Cluster(tmp_path, environment=SETTINGS) as cluster:
        view = SandboxView(cluster.addresses)
        verifier = Verifier(view)
        published = verifier.begin(SEED)
        events = EventGenerator(SEED, cluster.addresses.event_source).events(EVENTS)
        verifier.publish(published, events[: EVENTS // 2])
        for name in (API_SERVERS[0], SERVICES, "worker 1"):
            cluster.children.pop(name).kill()
        verifier.publish(published, events[EVENTS // 2 :])
        time.sleep(OUTAGE)
        assert cluster.start_prefect() == cluster.addresses.prefect_api_url
        cluster.start_worker(1)
        comparison = verifier.wait(published, WAIT)
        assert comparison.discrepancies == []
        assert comparison.outcomes["saved"] > EVENTS // 2
