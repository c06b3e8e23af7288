"""Whether this worker can work: asked before the pool hears of it, so that it takes no run which it would give back.

Settings that are wrong end the process. What cannot be reached is said once and asked for again until it answers: a
worker that is started in an outage comes up by itself. So does one whose OAuth client Genesys refuses: blocks are read
again, and Genesys is asked in growing pauses, for its login host throttles, too. Later outages of Prefect are the
worker's, see `worker`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any, NoReturn
from uuid import UUID

import requests
from prefect.logging import get_logger
from prefect.settings import PREFECT_API_URL
from pydantic import ValidationError

from deployments.worker.settings import WorkerSettings
from tasks.errors import BadSettings, DependencyUnavailable, PipelineError
from tasks.genesys import AuthenticationFailed
from tasks.services import Services, get_services
from tasks.settings import Settings, settings

BAD_SETTINGS = 2  # the exit code
PRODUCT = "flows"
"""The package of the flows that need these settings; a worker of other flows only is not asked."""
_NOBODY = str(UUID(int=0))  # no row has this id
_AGAIN_SECONDS = 5.0
_MAX_PAUSE = 300.0  # seconds, when Genesys refuses the OAuth client
_TIMEOUT = 10.0
_OF_STACK = ("interaction_table", "quarantine_table")
_log = get_logger("worker.interactions")


async def until_ready(*, product: bool) -> None:
    """Return when Prefect answers, and whatever the product's flows need if this worker has them.

    Exits with 2, and a line for each, when settings are wrong.
    """
    said: set[str] = set()
    growing = pauses()
    while True:
        pause = _AGAIN_SECONDS
        try:
            if product:
                await asyncio.to_thread(_look)
            await asyncio.to_thread(_reach_prefect)
            if product:
                await asyncio.to_thread(_log_in)
        except BadSettings as error:
            end(problems(error))
        except (DependencyUnavailable, AuthenticationFailed) as error:
            if (text := str(error)) not in said:
                _log.warning("No run is taken up: %s. Asking until that is over", text)
            said.add(text)
            if isinstance(error, AuthenticationFailed):
                pause = next(growing)
                _forget_credentials()
        else:
            if said:
                _log.info("Everything answers, runs are taken up")
            return
        await asyncio.sleep(pause)


def pauses() -> Iterator[float]:
    """Yield the seconds between two questions for a token: each twice the one before, five minutes at the most."""
    pause = _AGAIN_SECONDS
    while True:
        yield pause
        pause = min(2 * pause, _MAX_PAUSE)


def worker_settings() -> WorkerSettings:
    """Return the worker's own settings. Exits with 2, and a line for each, when some are wrong."""
    try:
        return WorkerSettings()
    except ValidationError as error:
        end(_problems(error, "WORKER_"))


def end(lines: Iterable[str]) -> NoReturn:
    """Write the lines to stderr and exit with 2."""
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    raise SystemExit(BAD_SETTINGS) from None


def problems(error: BadSettings) -> Iterator[str]:
    """Yield a line for each setting at fault, with the next step and without its value."""
    if isinstance(error.__context__, ValidationError):
        yield from _problems(error.__context__)
    else:
        yield f"this worker cannot work: {' '.join(str(error).split())}"


def _problems(error: ValidationError, prefix: str = "") -> Iterator[str]:
    for each in error.errors():
        name = f"{prefix}{each['loc'][0]}".lower() if each["loc"] else ""
        yield f"this worker cannot work: {_problem(name, each['type'], each['msg'])}"


def _problem(name: str, kind: str, text: str) -> str:
    reason = text.removeprefix("Value error, ")
    if kind != "missing":
        return f"{name.upper()}: {reason}; correct it, see docs/settings.md" if name else reason
    field = Settings.model_fields.get(name)
    meaning = f" ({field.description})" if field and field.description else ""
    step = "`interactions outputs` names it" if name in _OF_STACK else "set it, see docs/deploy.md"
    return f"{name.upper()} is not set{meaning}: {step}"


def _reach_prefect() -> None:
    """Raise DependencyUnavailable unless Prefect answers; a load balancer without a server does, with 503."""
    url = PREFECT_API_URL.value()
    if url and _reach(f"{url}/health", "Prefect's API ") >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise DependencyUnavailable(f"Prefect's API {url} answers with an error of its own")


def _look() -> None:
    """Raise DependencyUnavailable for what does not answer: a table, or a host of Genesys."""
    services = get_services()
    services.interactions.get(_NOBODY)
    services.quarantine.get(_NOBODY)
    for url in _hosts(services):
        _reach(url)


def _log_in() -> None:
    """Raise AuthenticationFailed when Genesys refuses the OAuth client; runs use the token that it gives.

    Whatever else goes wrong is a run's own affair, which defers for it. A slow host is not asked: that takes minutes.
    """
    genesys = get_services().genesys["live"]
    if not _reach(genesys.hosts.login_url):
        return
    try:
        genesys.log_in()
    except AuthenticationFailed:
        raise
    except PipelineError as error:
        _log.info("Whether Genesys takes the OAuth client is not known (%s)", error.code)


def _forget_credentials() -> None:
    """Have the settings made anew: a block may hold another secret by now."""
    get_services.cache_clear()
    settings.cache_clear()


def _hosts(services: Services) -> list[str]:
    hosts: Any = services.genesys["live"].hosts
    return list(dict.fromkeys((hosts.login_url, hosts.api_url)))


def _reach(url: str, what: str = "") -> int:
    """Return the status of an answer, whichever, 0 of a slow one: asking costs nothing of the request limit."""
    try:
        return requests.head(url, timeout=_TIMEOUT, allow_redirects=False).status_code
    except requests.ReadTimeout:  # connected: runs know what to do about a slow host
        return 0
    except requests.RequestException as error:
        raise DependencyUnavailable(f"{what}{url} cannot be reached ({type(error).__name__})") from None
