"""The control: /_sim, where tests and the sandbox set faults, add conversations and read the counters."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from deployments.sandbox.genesys import MANUAL
from deployments.sandbox.genesys.options import ids, read, time, whole
from deployments.sandbox.genesys.personal import personal_strings
from deployments.sandbox.genesys.revisions import requested
from deployments.sandbox.genesys.scene import stamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from deployments.sandbox.genesys.simulator import Simulator

_LOG = logging.getLogger(__name__)
BREATHER = 200  # conversations between two looks at the network
RESETS = ("faults", "counters", "tokens", "all")
COUNT_MOST = 1_000_000


def _answer(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


async def _wrong(request: Request, error: Exception) -> Response:  # noqa: ARG001 - Starlette's signature
    return _answer({"error": str(error)}, 400)


async def _bug(request: Request, error: Exception) -> Response:
    _LOG.error("a bug in the simulator, at %s", request.url.path, exc_info=error)
    return _answer({"error": f"a bug in the simulator: {error!r}"}, 500)


async def _json(request: Request) -> Any:
    return orjson.loads(await request.body() or b"{}")


def _resets(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(each in RESETS for each in value):
        raise ValueError(f"wanted some of {', '.join(RESETS)}")
    return value


class Control:
    """The answers of /_sim."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def state(self, window: float) -> dict[str, Any]:
        """Return the counters and the settings."""
        sim = self._simulator
        every, calls = sim.all_requests, sim.api_requests
        return {
            "requests": {"all": every.total, "api": calls.total, "token": every.total - calls.total},
            "most_in_window": {
                "seconds": window,
                "all": every.most_in(window),
                "api": calls.most_in(window),
            },
            "by_path": dict(every.by_name),
            "by_status": {str(status): count for status, count in sim.statuses.items()},
            "given_429": sim.statuses[429],
            "tokens": {"issued": sim.tokens.issued, "alive": sim.tokens.alive(sim.now())},
            "conversations": {
                "known": len(sim.registry),
                "requested": sim.ids_requested,
                "given_out": sim.given_out,
            },
            "faults_struck": dict(sim.faults.struck),
            "faults": sim.faults.settings(),
        }

    async def get_state(self, request: Request) -> Response:
        """GET /_sim."""
        window = request.query_params.get("window", self._simulator.faults.rate_window)
        return _answer(self.state(float(window)))

    async def get_requests(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's signature
        """GET /_sim/requests."""
        sim = self._simulator
        return _answer({"all": sim.all_requests.moments.tolist(), "api": sim.api_requests.moments.tolist()})

    async def get_targets(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's signature
        """GET /_sim/targets."""
        return _answer({"targets": list(self._simulator.targets)})

    async def set_faults(self, request: Request) -> Response:
        """POST /_sim/faults."""
        sim, wanted = self._simulator, await _json(request)
        revoked = isinstance(wanted, dict) and wanted.pop("revoke_tokens", False)
        sim.faults.change(wanted, sim.now())
        if revoked:
            sim.tokens.revoke()
        if "seed" in wanted:
            sim.rng.seed(sim.faults.seed)
        return _answer(sim.faults.settings())

    async def reset(self, request: Request) -> Response:
        """POST /_sim/reset."""
        sim = self._simulator
        only = read(await _json(request), {"only": _resets}).get("only", ["all"])
        actions: dict[str, Callable[[], None]] = {
            "all": sim.reset,
            "faults": sim.reset_faults,
            "counters": sim.reset_counters,
            "tokens": sim.tokens.revoke,
        }
        for name in only:
            actions[name]()
        return _answer({"reset": only})

    async def add(self, request: Request) -> Response:
        """POST /_sim/conversations."""
        registry, wanted = self._simulator.registry, read(await _json(request), _ADD)
        if "start" not in wanted:
            raise ValueError("start: wanted a time such as 2026-01-15T00:00:00Z")
        start, end = wanted["start"], wanted.get("end", wanted["start"])
        if end < start:
            raise ValueError("end: wanted a time after start")
        added = wanted["ids"] if "ids" in wanted else _fresh(wanted.get("count", 1))
        for number, conversation_id in enumerate(added):
            registry.add(conversation_id, start, end)
            await _breathe(number)
        return _answer({"ids": added})

    async def truth(self, request: Request) -> Response:
        """GET /_sim/conversations/{id}."""
        return _answer(self._simulator.registry.truth(_id(request)))

    async def happen(self, request: Request) -> Response:
        """POST /_sim/conversations/{id}/events."""
        sim, revision = self._simulator, requested(await _json(request))
        return _answer(sim.registry.revise(_id(request), revision, sim.now()))

    async def get_conversations(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's signature
        """GET /_sim/conversations."""
        known = self._simulator.registry.items()
        listed = [{"id": i, "start": stamp(k.start), "end": stamp(k.end)} for i, k in known]
        return _answer({"conversations": listed})

    async def personal(self, request: Request) -> Response:
        """GET /_sim/pii."""
        registry, found = self._simulator.registry, set[str]()
        only = request.query_params.get("id")
        given = [(i, k) for i, k in registry.items() if k.given and only in (None, i)]
        for number, (conversation_id, known) in enumerate(given):
            for revisions in range(len(known.revisions) + 1):
                found |= personal_strings(registry.truth(conversation_id, revisions=revisions))
            await _breathe(number)
        return _answer({"strings": sorted(found)})

    async def get_integrations(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's signature
        """GET /_sim/integrations."""
        return _answer(self._simulator.integrations.plain())

    async def set_integrations(self, request: Request) -> Response:
        """POST /_sim/integrations."""
        return _answer(self._simulator.integrations.replace(await _json(request)))

    async def manual(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's signature
        """GET /_sim/help."""
        return PlainTextResponse(MANUAL)

    def application(self) -> Starlette:
        """Return the ASGI application."""
        routes = [
            Route("/_sim", self.get_state, methods=["GET"]),
            Route("/_sim/help", self.manual, methods=["GET"]),
            Route("/_sim/requests", self.get_requests, methods=["GET"]),
            Route("/_sim/targets", self.get_targets, methods=["GET"]),
            Route("/_sim/faults", self.set_faults, methods=["POST"]),
            Route("/_sim/reset", self.reset, methods=["POST"]),
            Route("/_sim/conversations", self.get_conversations, methods=["GET"]),
            Route("/_sim/conversations", self.add, methods=["POST"]),
            Route("/_sim/conversations/{id}", self.truth, methods=["GET"]),
            Route("/_sim/conversations/{id}/events", self.happen, methods=["POST"]),
            Route("/_sim/pii", self.personal, methods=["GET"]),
            Route("/_sim/integrations", self.get_integrations, methods=["GET"]),
            Route("/_sim/integrations", self.set_integrations, methods=["POST"]),
        ]
        return Starlette(routes=routes, exception_handlers={ValueError: _wrong, Exception: _bug})


_ADD = {"count": whole(COUNT_MOST), "ids": ids, "start": time, "end": time}


def _fresh(count: int) -> list[str]:
    # Not from the seed: after a reset the same ids would meet their own earlier records.
    return [str(uuid4()) for _ in range(count)]


def _id(request: Request) -> str:
    return ids([request.path_params["id"]])[0]


async def _breathe(number: int) -> None:
    if number % BREATHER == BREATHER - 1:
        await asyncio.sleep(0)
