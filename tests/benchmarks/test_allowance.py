"""How the use of Genesys's limit is measured."""

from __future__ import annotations

import math

import pytest

from tests.support.request_rate import requests_a_minute


@pytest.mark.parametrize(("turn", "rate"), [(60.0, 300.0), (61.0, 295.1), (68.0, 264.7)])
def test_requests_a_minute_are_those_of_whole_windows(turn: float, rate: float) -> None:
    """Whether they come at once or evenly: what counts is when the next window begins."""
    burst = [turn * number + share / 100 for number in range(4) for share in range(300)]
    even = [turn / 300 * number for number in range(1200)]
    assert requests_a_minute(burst, 300) == pytest.approx(rate, abs=0.1)
    assert requests_a_minute(even, 300) == pytest.approx(rate, abs=0.1)


def test_fewer_requests_than_the_limit_say_nothing() -> None:
    """Nothing has waited for the limit then."""
    assert math.isnan(requests_a_minute([1.0, 2.0], 300))
