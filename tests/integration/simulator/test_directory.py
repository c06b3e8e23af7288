"""The Genesys simulator's directory: users, queues, wrap-up codes and divisions."""

from __future__ import annotations

import pytest

from deployments.sandbox.genesys.conversations.organization import DIVISIONS, QUEUES, USERS, WRAP_UP_CODES
from deployments.sandbox.genesys.http.directory import user_state
from tests.support.simulator import Json, SimulatorClient, new_ids

PATHS = {
    "/api/v2/users": USERS,
    "/api/v2/routing/queues": QUEUES,
    "/api/v2/routing/wrapupcodes": WRAP_UP_CODES,
    "/api/v2/authorization/divisions": DIVISIONS,
}
PERMISSIONS = {
    "/api/v2/users": ("directory:user:view", "missing.any.permissions"),
    "/api/v2/routing/queues": ("routing:queue:view", "missing.any.permissions"),
    "/api/v2/routing/wrapupcodes": ("routing:wrapupCode:view", "missing.permissions"),
    "/api/v2/authorization/divisions": ("authorization:division:view", "missing.any.permissions"),
}
EVERY = {"state": "any", "pageSize": 100}


def names(body: Json) -> dict[str, str]:
    """The names of a list's entities by id."""
    return {each["id"]: each["name"] for each in body["entities"]}


@pytest.mark.parametrize("path", PATHS)
def test_ids_have_the_organizations_names(genesys: SimulatorClient, path: str) -> None:
    """Joined by commas or repeated, and once each; a list without ids holds the organization's own."""
    own = {one.id: one.name for one in PATHS[path]}
    ids = list(own)
    assert names(genesys.get(path, id=",".join(ids), **EVERY).json()) == own
    assert names(genesys.get(path, id=[ids[0], ids[1], ids[0]], **EVERY).json()) == {
        id_: own[id_] for id_ in ids[:2]
    }
    assert names(genesys.get(path, **EVERY).json()) == own


@pytest.mark.parametrize("path", PATHS)
def test_any_other_id_has_a_constant_name_unless_it_is_unknown(genesys: SimulatorClient, path: str) -> None:
    """The same after a reset; `unknown_directory_ids` leaves an id out, and is no error."""
    ids = new_ids(3)
    first = names(genesys.get(path, id=",".join(ids), **EVERY).json())
    assert set(first) == set(ids)
    assert all(first.values())
    genesys.sim("/reset", {})
    genesys.faults(unknown_directory_ids=ids[:1])
    assert names(genesys.get(path, id=",".join(ids), **EVERY).json()) == {id_: first[id_] for id_ in ids[1:]}
    assert genesys.get(path, id=ids[0], **EVERY).json()["entities"] == []


@pytest.mark.parametrize("path", PATHS)
def test_lists_have_pages_of_25_unless_told_otherwise(genesys: SimulatorClient, path: str) -> None:
    """Ids are paged, too: a request for 100 of them without a pageSize gets a quarter."""
    ids = new_ids(100)
    found = dict[str, str]()
    for number in (1, 2, 3, 4, 5):
        page = genesys.get(path, id=",".join(ids), state="any", pageNumber=number).json()
        assert (page["total"], page["pageCount"], page["pageSize"]) == (100, 4, 25)
        assert (page["pageNumber"], len(page["entities"])) == (number, 25 if number < 5 else 0)
        assert ("nextUri" in page, "previousUri" in page) == (number < 4, number > 1)
        found |= names(page)
    assert set(found) == set(ids)
    assert len(genesys.get(path, id=",".join(ids), **EVERY).json()["entities"]) == 100


@pytest.mark.parametrize("path", PATHS)
def test_wrong_ids_and_pages_are_400(genesys: SimulatorClient, path: str) -> None:
    """More than 100 ids, an id that is no UUID (ININ-... codes are none), and a page that is none."""
    too_many = genesys.get(path, id=",".join(new_ids(101)))
    users = path == "/api/v2/users"
    assert (too_many.status_code, too_many.json()["code"]) == (
        400,
        "max.user.ids" if users else "invalid.query.param.value",
    )
    code = "invalid.id" if path.startswith("/api/v2/routing") else "bad.request"
    answer = genesys.get(path, id="ININ-WRAP-UP-TIMEOUT")
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    for wrong in ({"pageSize": 0}, {"pageSize": 501}, {"pageNumber": "x"}):
        assert genesys.get(path, **wrong).status_code == 400


@pytest.mark.parametrize("path", PATHS)
def test_each_kind_has_its_permission(genesys: SimulatorClient, path: str) -> None:
    """Without it the answer is Genesys's 403, which names it; the other kinds still answer."""
    permission, code = PERMISSIONS[path]
    genesys.faults(missing_permission=permission)
    answer = genesys.get(path)
    assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert f"[{permission}]" in answer.json()["message"]
    assert {genesys.get(other).status_code for other in PATHS if other != path} == {200}


def test_users_who_left_come_only_with_their_state(genesys: SimulatorClient) -> None:
    """Without `state` only active users; `any` has all three; a state that is none is 400."""
    path, states = "/api/v2/users", {one.id: user_state(one.id) for one in USERS}
    assert {"active", "inactive", "deleted"} == set(states.values())
    for state in ("active", "inactive", "deleted"):
        found = names(genesys.get(path, state=state, pageSize=100).json())
        assert set(found) == {id_ for id_, each in states.items() if each == state}
    assert genesys.get(path, pageSize=100).json()["total"] == sum(s == "active" for s in states.values())
    gone = next(id_ for id_, state in states.items() if state == "deleted")
    assert genesys.get(path, id=gone).json()["entities"] == []
    assert genesys.get(path, id=gone, state="any").json()["entities"][0]["state"] == "deleted"
    answer = genesys.get(path, state="gone")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid.query.param.value")


def test_the_directory_counts_against_the_rate_limit(genesys: SimulatorClient) -> None:
    """Its requests share the token's window with all others."""
    genesys.faults(rate_limit=4)
    assert [genesys.get(path).status_code for path in PATHS] == [200] * 4
    assert genesys.get("/api/v2/users").status_code == 429
    assert genesys.sim()["by_path"]["GET /api/v2/users"] == 2


def test_names_of_returned_users_are_personal(genesys: SimulatorClient) -> None:
    """/_sim/pii has the names and addresses of the users that were returned, and of no others."""
    one, other = USERS[0], USERS[1]
    address = genesys.get("/api/v2/users", id=one.id, state="any").json()["entities"][0]["email"]
    strings = genesys.sim("/pii")["strings"]
    assert {one.name, address} <= set(strings)
    assert other.name not in strings
