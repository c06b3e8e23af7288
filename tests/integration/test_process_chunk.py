"""A chunk's way through process, against a Genesys that answers oddly."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tasks.batch import Work
from tasks.events import InteractionEvent, parse
from tasks.genesys import GenesysClient, Throttled, Unavailable
from tasks.process import counts, fetch_chunk
from tests.integration.genesys_fake import FakeGenesys, Reply
from tests.integration.genesys_stand import ids, known
from tests.integration.test_pipeline import event_text


def given(client: GenesysClient, **settings: Any) -> Any:
    """The services that a chunk needs: stores that hold nothing."""
    chosen = {"genesys_max_wait": 30.0, "genesys_email_attribute": None, "queue_ids": (), **settings}
    return SimpleNamespace(
        settings=SimpleNamespace(**chosen),
        genesys={"live": client},
        interactions=SimpleNamespace(lookup=lambda _: {}),
        quarantine=SimpleNamespace(failed_among=lambda _: frozenset()),
        archive=None,
    )


def works(*interaction_ids: str) -> list[Work]:
    """One event each."""
    found = [event for id_ in interaction_ids for event in parse(event_text(id_))]
    return [Work(each.interaction_id, [each]) for each in found if isinstance(each, InteractionEvent)]


@pytest.mark.parametrize("status", [429, 503])
def test_a_long_wait_is_not_tried_again_but_put_off(
    genesys: FakeGenesys, client: GenesysClient, status: int
) -> None:
    """Whichever status asks for an hour: the interactions come back as postponed, with how long to stay away."""
    genesys.usual = lambda _: Reply(status, {"code": "x.y"}, {"Retry-After": "3600"})
    processed = fetch_chunk(given(client), works(*ids(3)), "live")
    assert len(processed.postponed) == 3
    assert isinstance(processed.why, Throttled | Unavailable)
    assert (processed.why.asked_to_wait, processed.why.retry_after) == (True, 3600)
    assert len(genesys.api) == 1


def test_a_fault_that_names_no_time_is_for_the_tasks_retries(
    genesys: FakeGenesys, client: GenesysClient
) -> None:
    """It is raised, and the task tries again."""
    genesys.usual = lambda _: Reply(503, {"code": "service.unavailable"})
    with pytest.raises(Unavailable) as caught:
        fetch_chunk(given(client), works(*ids(3)), "live")
    assert not caught.value.asked_to_wait


def test_the_log_names_genesys_own_name_for_the_answer(genesys: FakeGenesys, client: GenesysClient) -> None:
    """A run's log says what its support asks for, whether or not anything went wrong."""
    genesys.usual = lambda seen: Reply(body=known(seen).body, headers={"ININ-Correlation-Id": "corr-4"})
    processed = fetch_chunk(given(client), works(*ids(2)), "live")
    assert (
        counts([processed, processed])
        == "4 fetched, 0 missing, 0 postponed, 0 failed; correlation ids corr-4 corr-4"
    )
    assert counts([processed] * 50).count("corr-4") == 10
