"""One burst of one competitor, measured from outside."""

from __future__ import annotations

import time

from tests.benchmarks import accounting
from tests.benchmarks.competitors import Competitor
from tests.benchmarks.events import envelope, ids
from tests.benchmarks.figures import Figure
from tests.benchmarks.stage import Stage

PATIENCE = 900.0


class Lost(Exception):
    """A competitor did not store what it was given: its figures would mean nothing."""


def burst(stage: Stage, competitor: Competitor, count: int, *, limited: bool, bucket: bool = False) -> Figure:
    """Give a competitor `count` events at once and wait until it has nothing left to do."""
    stage.reset(limited=limited)
    interactions = ids(count)
    competitor.load([envelope(each) for each in interactions])
    before = stage.rows()
    own, server = accounting.cpu(competitor.own), accounting.cpu(competitor.server)
    with accounting.Peak(own=competitor.own, server=competitor.server) as peak:
        began = time.monotonic()
        competitor.start()
        stage.await_rows(before + count, PATIENCE)
        seconds = time.monotonic() - began
        competitor.finish()
        ended = time.monotonic() - began
    own = accounting.cpu(competitor.own) - own
    server = accounting.cpu(competitor.server) - server
    if (stored := stage.settled(interactions)) != count:
        raise Lost(f"{competitor.label}: {stored} of {count} interactions are stored and settled")
    requests, most, asking = stage.requests()
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
        asking=asking,
        own_cpu=own,
        server_cpu=server,
        own_mb=peak.most["own"],
        server_mb=peak.most["server"],
    )
