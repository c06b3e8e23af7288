"""The Prefect server that a command uses: a named one, never the temporary one that Prefect would start."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import urlsplit

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.settings import PREFECT_API_URL

from deployments.errors import NoServer
from infra.errors import is_address
from infra.prefect_api import UNREACHABLE

NOT_SET = (
    "PREFECT_API_URL is not set: `export PREFECT_API_URL=http://<host>:4200/api`, or `prefect config set "
    "PREFECT_API_URL=...`; for a sandbox `set -a; . .sandbox/env`"
)


def api_url() -> str | None:
    """Return the API's URL from the environment or a Prefect profile; None when neither names one."""
    return PREFECT_API_URL.value() or None


def checked_api_url() -> str:
    """Return the API's URL. Raises NoServer when none is named, or it is no http or https address."""
    url = api_url()
    if url is None:
        raise NoServer(NOT_SET)
    if not is_address(url):
        raise NoServer("PREFECT_API_URL is no http:// or https:// address; as in http://<host>:4200/api")
    return url


@asynccontextmanager
async def server_client() -> AsyncIterator[PrefectClient]:
    """Yield a client of the server; inside, HTTP errors are raised as NoServer."""
    with wrap_server_errors():
        async with get_client() as client:
            yield client


@contextmanager
def wrap_server_errors() -> Iterator[None]:
    """Raise NoServer when no server is named, and for any HTTP error inside."""
    url = _without_password(checked_api_url())
    try:
        yield
    except httpx.HTTPStatusError as error:
        path = error.request.url.path
        raise NoServer(f"{url} answered {error.response.status_code} to {path}; {UNREACHABLE}") from error
    except httpx.HTTPError as error:
        raise NoServer(f"no answer from {url}: {type(error).__name__}; {UNREACHABLE}") from error


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
