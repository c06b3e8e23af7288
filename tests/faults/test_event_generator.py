"""Events that the generator calls valid are accepted, those that it calls invalid rejected."""

from __future__ import annotations

from tasks.validate import validated
from tests.faults.event_generator import EventGenerator
from tests.support.events import text_of


def test_the_generator_knows_what_is_invalid() -> None:
    """Otherwise the comparison waits for quarantine rows that never come."""
    events = EventGenerator(1, "genesys.com/cloud/sandbox-org/sandbox").events(400)
    assert {each.valid for each in events} == {True, False}
    for each in events:
        batch = validated([text_of(each.entry)])
        assert (len(batch.works), len(batch.rejections)) == ((1, 0) if each.valid else (0, 1)), each.entry
