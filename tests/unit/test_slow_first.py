"""The order in which the processes of `make test` get files."""

from __future__ import annotations

from tests.support.slow_first import next_file

UNIT = "tests/unit/test_values.py"
CLIENT = "tests/integration/genesys/test_client.py"
INSPECT = "tests/integration/operations/test_inspect.py"


def test_a_process_with_a_sandbox_gets_the_files_that_use_it_first() -> None:
    """Then those of the slow folders, and unit tests last."""
    left, order = [UNIT, CLIENT, INSPECT], []
    while left:
        order.append(next_file(left, has_sandbox=True))
        left.remove(order[-1])
    assert order == [INSPECT, CLIENT, UNIT]


def test_a_process_without_one_gets_them_when_nothing_else_is_left() -> None:
    """Starting another sandbox is better than waiting for minutes."""
    assert next_file([UNIT, CLIENT, INSPECT], has_sandbox=False) == CLIENT
    assert next_file([UNIT, INSPECT], has_sandbox=False) == UNIT
    assert next_file([INSPECT], has_sandbox=False) == INSPECT
