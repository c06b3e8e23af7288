"""The directory: users, queues, wrap-up codes and divisions, by id or as a whole list.

Every UUID is the id of something of each kind, unless `unknown_directory_ids` names it; the name follows from the
id. A list without ids holds the organization's own. Some users are inactive or deleted, though conversations name
them: only `state` returns those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployments.sandbox.genesys.control.validation import canonical_id
from deployments.sandbox.genesys.conversations.organization import (
    DIVISIONS,
    QUEUES,
    USERS,
    WRAP_UP_CODES,
    Named,
)
from deployments.sandbox.genesys.conversations.people import user_name
from deployments.sandbox.genesys.conversations.seeded_random import SeededRandom
from deployments.sandbox.genesys.http.errors import bad_request
from deployments.sandbox.genesys.http.listing import listing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deployments.sandbox.genesys.conversations import Json

MAX_IDS = 100  # documented for users, assumed for the others
STATES = ("active", "inactive", "deleted")
INACTIVE_PERCENT, DELETED_PERCENT = 10, 15


def user_state(user_id: str) -> str:
    """Return `active`, `inactive` or `deleted`: it follows from the user's id."""
    drawn = SeededRandom(f"state/{user_id}").below(100)
    if drawn < DELETED_PERCENT:
        return "deleted"
    return "inactive" if drawn < DELETED_PERCENT + INACTIVE_PERCENT else "active"


def _user(user: Named) -> Json:
    address = f"{'.'.join(user.name.lower().split())}.{user.id[:4]}@staff.example"
    contact = {"address": address, "mediaType": "EMAIL", "type": "PRIMARY"}
    return {
        "id": user.id,
        "name": user.name,
        "division": _division_of(user),
        "chat": {"jabberId": f"{user.id.replace('-', '')}@simulated.orgspan.example"},
        "email": address,
        "primaryContactInfo": [contact],
        "addresses": [],
        "state": user_state(user.id),
        "username": address,
        "version": 7,
        "acdAutoAnswer": False,
        "selfUri": f"/api/v2/users/{user.id}",
    }


def _queue(queue: Named) -> Json:
    return {
        "id": queue.id,
        "name": queue.name,
        "division": _division_of(queue),
        "dateCreated": "2024-05-01T08:00:00.000Z",
        "memberCount": 12,
        "skillEvaluationMethod": "BEST",
        "enableTranscription": False,
        "selfUri": f"/api/v2/routing/queues/{queue.id}",
    }


def _wrap_up_code(code: Named) -> Json:
    return {
        "id": code.id,
        "name": code.name,
        "dateCreated": "2024-05-01T08:00:00.000Z",
        "selfUri": f"/api/v2/routing/wrapupcodes/{code.id}",
    }


def _division(division: Named) -> Json:
    return {
        "id": division.id,
        "name": division.name,
        "description": "",
        "homeDivision": division == DIVISIONS[0],
        "selfUri": f"/api/v2/authorization/divisions/{division.id}",
    }


def _division_of(one: Named) -> Json:
    division = SeededRandom(f"division/{one.id}").pick(DIVISIONS)
    self_uri = f"/api/v2/authorization/divisions/{division.id}"
    return {"id": division.id, "name": division.name, "selfUri": self_uri}


@dataclass(frozen=True, slots=True)
class DirectoryKind:
    """One kind of the directory: its path, the organization's own, its JSON, and the name of any other id."""

    path: str
    own: tuple[Named, ...]
    entity: Callable[[Named], Json]
    name_of: Callable[[str], str]
    too_many: str = "invalid.query.param.value"  # the code of a request for too many ids
    no_uuid: str = "invalid.id"  # the code of a request for an id that is no UUID


KINDS = {
    "users": DirectoryKind(
        "/api/v2/users", USERS, _user, user_name, too_many="max.user.ids", no_uuid="bad.request"
    ),
    "queues": DirectoryKind("/api/v2/routing/queues", QUEUES, _queue, lambda id_: f"Queue {id_[:8]}"),
    "wrap-up codes": DirectoryKind(
        "/api/v2/routing/wrapupcodes", WRAP_UP_CODES, _wrap_up_code, lambda id_: f"Code {id_[:8]}"
    ),
    "divisions": DirectoryKind(
        "/api/v2/authorization/divisions",
        DIVISIONS,
        _division,
        lambda id_: f"Division {id_[:8]}",
        no_uuid="bad.request",
    ),
}


def look_up(kind: DirectoryKind, query: Mapping[str, list[str]], unknown: frozenset[str]) -> Json:
    """Return a page of a kind, without the ids in `unknown`. Raises the 400 of a wrong parameter."""
    ids = _ids(kind, query)
    names = {one.id: one.name for one in kind.own}
    wanted = (
        [Named(id_, names.get(id_) or kind.name_of(id_)) for id_ in dict.fromkeys(ids)] if ids else kind.own
    )
    entities = [kind.entity(one) for one in wanted if one.id not in unknown]
    if kind is KINDS["users"]:
        state = _state(query)
        entities = [each for each in entities if state in ("any", each["state"])]
    entities.sort(key=lambda each: (str(each["name"]).lower(), each["id"]))
    return listing(kind.path, entities, query)


def _ids(kind: DirectoryKind, query: Mapping[str, list[str]]) -> list[str]:
    given = [part.strip() for value in query.get("id", []) for part in value.split(",") if part.strip()]
    if len(given) > MAX_IDS:
        what = "users" if kind is KINDS["users"] else "ids"
        raise bad_request(f"Only {MAX_IDS} {what} can be requested at a time.", kind.too_many)
    ids = [canonical_id(each) for each in given]
    if None in ids:
        raise bad_request("A non-UUID value was specified for an ID field.", kind.no_uuid)
    return [each for each in ids if each]


def _state(query: Mapping[str, list[str]]) -> str:
    state = query.get("state", ["active"])[-1].lower()
    if state not in (*STATES, "any"):
        allowed = ", ".join((*STATES, "any"))
        text = f"Value [{state[:40]}] is not valid for parameter [state]. Allowable values are: {allowed}"
        raise bad_request(text, "invalid.query.param.value")
    return state
