"""The kinds of things that Genesys's directory knows names of: their calls and the permissions that these need.

Paths, parameters and permissions are those of Genesys's published API description: `id` is repeated, 25 entries
come on a page unless `pageSize` says otherwise, and "Only 100 users can be requested at a time" (max.user.ids). It
names no permission for users and divisions; `directory:user:view` and `authorization:division:view` are unconfirmed.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from urllib.parse import urlencode

MAX_IDS = 100  # of one request: Genesys's limit for users, taken for the other kinds, too


class NameKind(StrEnum):
    """What has a name; the value is the one that is stored."""

    USER = "user"
    QUEUE = "queue"
    WRAP_UP_CODE = "wrapUpCode"
    DIVISION = "division"

    @property
    def permission(self) -> str:
        """The permission that the OAuth client's role needs."""
        return _PERMISSIONS[self]

    @property
    def label(self) -> str:
        """The kind in the plural, for people: `wrap-up codes`."""
        return _LABELS[self]

    def path(self, ids: Sequence[str]) -> str:
        """Return path and query of the call for these ids; users that are inactive or deleted are included."""
        state = {"state": "any"} if self is NameKind.USER else {}
        query = urlencode({"id": list(ids), "pageSize": MAX_IDS, **state}, doseq=True)
        return f"{_PATHS[self]}?{query}"


_PATHS = {
    NameKind.USER: "/api/v2/users",
    NameKind.QUEUE: "/api/v2/routing/queues",
    NameKind.WRAP_UP_CODE: "/api/v2/routing/wrapupcodes",
    NameKind.DIVISION: "/api/v2/authorization/divisions",
}
_PERMISSIONS = {
    NameKind.USER: "directory:user:view",
    NameKind.QUEUE: "routing:queue:view",
    NameKind.WRAP_UP_CODE: "routing:wrapupCode:view",
    NameKind.DIVISION: "authorization:division:view",
}
_LABELS = {
    NameKind.USER: "users",
    NameKind.QUEUE: "queues",
    NameKind.WRAP_UP_CODE: "wrap-up codes",
    NameKind.DIVISION: "divisions",
}
