"""A chunk's way through process, against a Genesys that answers oddly."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tasks.events import InteractionEvent, parse
from tasks.genesys import GenesysClient, Throttled, Unavailable
from tasks.pipeline.work import Chunk, InteractionWork, PipelineRun, ProcessedChunk
from tasks.process import counts, fetch_chunk
from tests.support.events import event_text
from tests.support.fake_genesys import FakeGenesys, ReceivedRequest, Reply
from tests.support.genesys import DETAILS, all_known, conversation, ids

RUN = PipelineRun("run")


def given(client: GenesysClient, stored: str | None = None, **settings: Any) -> Any:
    """The services that a chunk needs: stores that hold nothing, but for an address."""
    chosen = {"genesys_max_wait": 30.0, "genesys_email_attribute": None, "queue_ids": (), **settings}
    return SimpleNamespace(
        settings=SimpleNamespace(**chosen),
        genesys={"live": client},
        interactions=SimpleNamespace(lookup=lambda _: {}, address=lambda _: stored),
        quarantine=SimpleNamespace(failed_among=lambda _: frozenset()),
        directory=None,
        staging=None,
    )


def works(*interaction_ids: str) -> Chunk:
    """One event each."""
    found = [event for id_ in interaction_ids for event in parse(event_text(id_))]
    return Chunk(
        [InteractionWork(each.interaction_id, [each]) for each in found if isinstance(each, InteractionEvent)]
    )


@pytest.mark.parametrize("status", [429, 503])
def test_a_long_wait_is_not_tried_again_but_put_off(
    genesys: FakeGenesys, client: GenesysClient, status: int
) -> None:
    """Whichever status asks for an hour: the interactions come back as postponed, with how long to stay away."""
    genesys.default = lambda _: Reply(status, {"code": "x.y"}, {"Retry-After": "3600"})
    processed = fetch_chunk(given(client), works(*ids(3)), RUN)
    assert len(processed.postponed) == 3
    for _, why in processed.postponed:
        assert isinstance(why, Throttled | Unavailable)
        assert (why.asked_to_wait, why.retry_after) == (True, 3600)
    assert len(genesys.api) == 1


def test_a_fault_that_names_no_time_is_for_the_tasks_retries(
    genesys: FakeGenesys, client: GenesysClient
) -> None:
    """It is raised, and the task tries again."""
    genesys.default = lambda _: Reply(503, {"code": "service.unavailable"})
    with pytest.raises(Unavailable) as caught:
        fetch_chunk(given(client), works(*ids(3)), RUN)
    assert not caught.value.asked_to_wait


def test_the_log_names_genesys_own_name_for_the_answer(genesys: FakeGenesys, client: GenesysClient) -> None:
    """A run's log says what its support asks for, whether or not anything went wrong."""
    genesys.default = lambda request: Reply(
        body=all_known(request).body, headers={"ININ-Correlation-Id": "corr-4"}
    )
    processed = fetch_chunk(given(client), works(*ids(2)), RUN)
    assert (
        counts([processed, processed])
        == "4 fetched, 0 missing, 0 postponed, 0 failed; correlation ids corr-4 corr-4"
    )
    assert counts([processed] * 50).count("corr-4") == 10


CUSTOMER = {"participants": [{"participantId": "p-1", "purpose": "customer"}]}
MAIL = {"genesys_email_attribute": "mail"}
END = {"conversationEnd": "2026-03-01T10:05:00.000Z"}
DIVISION = Reply(403, {"code": "missing.division.permission"})
BROKEN = Reply(503, {"code": "service.unavailable"})


def with_attributes(fails: dict[str, Reply] | None = None) -> Callable[[ReceivedRequest], Reply]:
    """A Genesys that knows every conversation and its attribute, but for those that fail in the operational API."""

    def answer(request: ReceivedRequest) -> Reply:
        if request.path == DETAILS:
            wanted = request.query["id"][0].split(",")
            return Reply(body={"conversations": [conversation(id_, **END, **CUSTOMER) for id_ in wanted]})
        id_ = request.path.rpartition("/")[2]
        attributes = {"mail": f"ada-{id_[:8]}@example.com"}
        found = Reply(body={"id": id_, "participants": [{"id": "p-1", "attributes": attributes}]})
        return (fails or {}).get(id_, found)

    return answer


def addresses(processed: ProcessedChunk) -> dict[str, str | None]:
    """The address of each record."""
    found = {each.work.interaction_id: each.record.content.get("customerEmail") for each in processed.fetched}
    return dict(sorted(found.items()))


@pytest.mark.parametrize(("fault", "code"), [(DIVISION, "not-permitted"), (BROKEN, "unavailable")])
def test_attributes_that_cannot_be_had_cost_the_others_nothing(
    genesys: FakeGenesys, client: GenesysClient, fault: Reply, code: str
) -> None:
    """The one interaction is postponed, with its own reason; all others have their address."""
    wanted = sorted(ids(6))
    genesys.default = with_attributes({wanted[0]: fault})
    processed = fetch_chunk(given(client, **MAIL), works(*wanted), RUN)
    assert addresses(processed) == {id_: f"ada-{id_[:8]}@example.com" for id_ in wanted[1:]}
    assert [(work.interaction_id, why.code) for work, why in processed.postponed] == [(wanted[0], code)]


def test_a_genesys_that_fails_is_not_asked_for_each(genesys: FakeGenesys, client: GenesysClient) -> None:
    """After three failures in a row the rest is postponed unasked."""
    wanted = ids(6)
    genesys.default = with_attributes(dict.fromkeys(wanted, DIVISION))
    processed = fetch_chunk(given(client, **MAIL), works(*wanted), RUN)
    assert len(processed.postponed) == 6
    assert len([request for request in genesys.api if request.path != DETAILS]) == 3


@pytest.mark.parametrize("stored", ["ada@example.com", None])
def test_an_address_that_genesys_has_forgotten_stays(
    genesys: FakeGenesys, client: GenesysClient, stored: str | None
) -> None:
    """The operational API forgets sooner than the details: what is stored from it is not taken back."""
    (wanted,) = ids(1)
    genesys.default = with_attributes({wanted: Reply(404, {"code": "not.found"})})
    processed = fetch_chunk(given(client, stored, **MAIL), works(wanted), RUN)
    assert addresses(processed) == {wanted: stored}
    assert (processed.fetched[0].record.details_hash is None) == (stored is None)


def test_attributes_are_asked_for_only_where_they_are_kept(
    genesys: FakeGenesys, client: GenesysClient
) -> None:
    """An interaction of other queues costs no request of its own."""
    genesys.default = with_attributes()
    queue = "90000000-0000-4000-8000-000000000001"
    processed = fetch_chunk(given(client, queue_ids=(queue,), **MAIL), works(*ids(3)), RUN)
    assert len(processed.skipped) == 3
    assert [request.path for request in genesys.api] == [DETAILS]
