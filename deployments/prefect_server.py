"""The Prefect server that a command talks to: a named one, never the temporary one that Prefect would start."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import urlsplit

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.settings import PREFECT_API_URL

from deployments.errors import NoServer
from infra.addresses import is_address
from infra.prefect import UNREACHABLE

NOT_SET = (
    "PREFECT_API_URL is not set: `export PREFECT_API_URL=http://<host>:4200/api`, or `prefect config set "
    "PREFECT_API_URL=...`; for a sandbox `set -a; . .sandbox/env`"
)


def api_url() -> str | None:
    """The server's API, from the environment or a profile of Prefect's; None when neither names one."""
    return PREFECT_API_URL.value() or None


def checked_api_url() -> str:
    """The server's API. Raises NoServer when none is named, or the name is no address."""
    url = api_url()
    if url is None:
        raise NoServer(NOT_SET)
    if not is_address(url):
        raise NoServer("PREFECT_API_URL is no http:// or https:// address; as in http://<host>:4200/api")
    return url


@asynccontextmanager
async def server() -> AsyncIterator[PrefectClient]:
    """A client of the server. Raises NoServer, also when the server stops answering in between."""
    with answering():
        async with get_client() as client:
            yield client


@contextmanager
def answering() -> Iterator[None]:
    """Whatever asks the server within raises NoServer when none is named, or it does not answer."""
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
