"""Measure one burst of one competitor from outside."""

from __future__ import annotations

import time

from tests.benchmarks import accounting
from tests.benchmarks.bench_sandbox import BenchSandbox
from tests.benchmarks.competitors import Competitor
from tests.benchmarks.figures import Figure
from tests.support.events import envelope, new_ids

TIMEOUT = 900.0


class EventsLost(Exception):
    """A competitor did not store all events of a burst: its figures would mean nothing."""


def measure_burst(
    bench: BenchSandbox, competitor: Competitor, count: int, *, limited: bool, bucket: bool = False
) -> Figure:
    """Give a competitor `count` events at once, wait until it has nothing left to do, and return the figures."""
    bench.reset(limited=limited)
    interactions = new_ids(count)
    competitor.load([envelope(each) for each in interactions])
    before = bench.rows()
    own, server = accounting.cpu(competitor.own), accounting.cpu(competitor.server)
    with accounting.PeakMemory(own=competitor.own, server=competitor.server) as peak:
        began = time.monotonic()
        competitor.start()
        bench.await_rows(before + count, TIMEOUT)
        seconds = time.monotonic() - began
        competitor.finish()
        ended = time.monotonic() - began
    own = accounting.cpu(competitor.own) - own
    server = accounting.cpu(competitor.server) - server
    if (stored := bench.settled(interactions)) != count:
        raise EventsLost(f"{competitor.label}: {stored} of {count} interactions are stored and settled")
    requests, most, request_seconds = bench.requests()
    return Figure(
        key=competitor.key,
        label=competitor.label,
        burst=count,
        limited=limited,
        bucket=bucket,
        seconds=seconds,
        ended=ended,
        requests=requests,
        most_in_window=most,
        request_seconds=request_seconds,
        own_cpu=own,
        server_cpu=server,
        own_mb=peak.most["own"],
        server_mb=peak.most["server"],
    )
