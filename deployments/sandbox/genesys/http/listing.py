"""A page of a list, in the format of Genesys's entity listings."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from deployments.sandbox.genesys.http.errors import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployments.sandbox.genesys.conversations import Json

DEFAULT_PAGE_SIZE = 25
MAX_PAGE_SIZE = 500  # of the users; of the other lists assumed


def listing(path: str, entities: list[Json], query: Mapping[str, list[str]]) -> Json:
    """Return the page of `entities` that a query asks for. Raises the 400 of a wrong pageSize or pageNumber."""
    size = _number(query, "pageSize", DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
    number = _number(query, "pageNumber", 1, 2**31)
    pages = -(-len(entities) // size)
    others = {name: values for name, values in query.items() if name not in ("pageSize", "pageNumber")}

    def uri(page: int) -> str:
        return f"{path}?{urlencode({**others, 'pageSize': size, 'pageNumber': page}, doseq=True)}"

    return {
        "entities": entities[(number - 1) * size : number * size],
        "pageSize": size,
        "pageNumber": number,
        "total": len(entities),
        "pageCount": pages,
        "selfUri": uri(number),
        "firstUri": uri(1),
        "lastUri": uri(max(1, pages)),
        **({"nextUri": uri(number + 1)} if number < pages else {}),
        **({"previousUri": uri(number - 1)} if number > 1 else {}),
    }


def _number(query: Mapping[str, list[str]], name: str, default: int, most: int) -> int:
    try:
        value = int(query.get(name, [str(default)])[-1])
    except ValueError as error:
        raise bad_request(f"{name} must be a number.", "invalid.value") from error
    if not 1 <= value <= most:
        raise bad_request(f"{name} must be 1 to {most}.", "invalid.value")
    return value
