"""Names of users, queues, wrap-up codes and divisions by id, over real HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.genesys import BadRequest, GenesysClient, NameKind, NotPermitted, Throttled
from tests.support.fake_genesys import FakeGenesys, ReceivedRequest, Reply
from tests.support.genesys import UnlimitedLimiter, ids

PATHS = {
    NameKind.USER: "/api/v2/users",
    NameKind.QUEUE: "/api/v2/routing/queues",
    NameKind.WRAP_UP_CODE: "/api/v2/routing/wrapupcodes",
    NameKind.DIVISION: "/api/v2/authorization/divisions",
}


def everyone(request: ReceivedRequest) -> Reply:
    """Reply with a name for each id, 60 entries a page."""
    size, number = min(int(request.query["pageSize"][0]), 60), int(request.query["pageNumber"][0])
    wanted = request.query["id"]
    part = wanted[size * (number - 1) : size * number]
    return Reply(
        body={
            "entities": [{"id": id_.upper(), "name": f"name of {id_}"} for id_ in part],
            "pageCount": -(-len(wanted) // size),
        }
    )


@pytest.mark.parametrize("kind", NameKind)
def test_a_hundred_names_are_one_request(
    genesys: FakeGenesys, client: GenesysClient, limiter: UnlimitedLimiter, kind: NameKind
) -> None:
    """250 ids are three requests, each id a parameter; the names come by id in lower case; each takes a permit."""
    wanted = ids(250)
    genesys.default = lambda request: Reply(
        body={"entities": [{"id": id_.upper(), "name": id_[:8]} for id_ in request.query["id"]]}
    )
    assert client.get_names(kind, [*wanted, wanted[0].upper()]) == {id_: id_[:8] for id_ in wanted}
    assert [(each.path, len(each.query["id"])) for each in genesys.api] == [
        (PATHS[kind], 100),
        (PATHS[kind], 100),
        (PATHS[kind], 50),
    ]
    assert {each.query["pageSize"][0] for each in genesys.api} == {"100"}  # Genesys's default is 25
    assert limiter.permits == len(genesys.requests)


def test_a_smaller_page_costs_no_name(genesys: FakeGenesys, client: GenesysClient) -> None:
    """Where Genesys gives fewer entries a page than are asked for, the pages that follow are read."""
    genesys.default = everyone
    wanted = ids(100)
    assert client.get_names(NameKind.QUEUE, wanted).keys() == set(wanted)
    assert len(genesys.api) == 2


def test_only_users_are_asked_for_in_any_state(genesys: FakeGenesys, client: GenesysClient) -> None:
    """`state=any` includes users who were deleted; the other calls know no state."""
    for kind in NameKind:
        client.get_names(kind, ids(1))
    assert [each.query.get("state") for each in genesys.api] == [["any"], None, None, None]


def test_what_is_no_uuid_is_never_sent(genesys: FakeGenesys, client: GenesysClient) -> None:
    """A non-UUID would cost its neighbours their names: Genesys answers 400 invalid.id."""
    assert client.get_names(NameKind.WRAP_UP_CODE, ["ININ-WRAP-UP-TIMEOUT", "a,b", ""]) == {}
    assert genesys.api == []


@pytest.mark.parametrize(
    "entities", [None, {}, 7, [], ["nonsense"], [{"id": 7, "name": "x"}], [{"id": "?", "name": None}]]
)
def test_an_odd_answer_names_nobody(genesys: FakeGenesys, client: GenesysClient, entities: Any) -> None:
    """Entries without an id or a name, and an answer of another form, are passed over."""
    genesys.default = lambda _: Reply(body={"entities": entities, "pageCount": 1})
    assert client.get_names(NameKind.USER, ids(1)) == {}


def test_a_name_of_somebody_else_is_left_out(genesys: FakeGenesys, client: GenesysClient) -> None:
    """A host that ignores the ids and lists everybody names only those that were asked for."""
    wanted, other = ids(2)
    genesys.default = lambda _: Reply(body={"entities": [{"id": other, "name": "Other"}]})
    assert client.get_names(NameKind.USER, [wanted]) == {}


@pytest.mark.parametrize("reply", [Reply(413), Reply(414), Reply(400, {"code": "response.entity.too.large"})])
def test_an_answer_that_is_too_large_is_halved(
    genesys: FakeGenesys, client: GenesysClient, reply: Reply
) -> None:
    """Forty ids that do not fit are asked for in parts that do."""

    def answer(request: ReceivedRequest) -> Reply:
        return reply if len(request.query["id"]) > 10 else everyone(request)

    genesys.default = answer
    wanted = ids(40)
    assert client.get_names(NameKind.QUEUE, wanted).keys() == set(wanted)


def test_an_unknown_id_that_is_a_404_costs_no_other_its_name(
    genesys: FakeGenesys, client: GenesysClient
) -> None:
    """Genesys's description has a 404 for users: then the others are asked for without that id."""
    wanted = ids(9)

    def answer(request: ReceivedRequest) -> Reply:
        gone = wanted[4] in request.query["id"]
        return Reply(404, {"code": "general.resource.not.found"}) if gone else everyone(request)

    genesys.default = answer
    assert client.get_names(NameKind.USER, wanted).keys() == {*wanted[:4], *wanted[5:]}


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(400, {"code": "invalid.query.param.value"}), BadRequest),
        (Reply(403, {"code": "missing.any.permissions"}), NotPermitted),
        (Reply(429, {"code": "too.many.requests"}, headers={"Retry-After": "600"}), Throttled),
    ],
)
def test_a_refusal_is_an_error_of_one_request(
    genesys: FakeGenesys, client: GenesysClient, reply: Reply, error: type[Exception]
) -> None:
    """Any other refusal is of the whole call: it is raised, and not asked again in parts."""
    genesys.default = lambda _: reply
    with pytest.raises(error):
        client.get_names(NameKind.USER, ids(40))
    assert len(genesys.api) == 1
