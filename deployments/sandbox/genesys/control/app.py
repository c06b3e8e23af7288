"""The control API under /_sim: sets faults, adds and revises conversations, returns the counters."""

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
from deployments.sandbox.genesys.control.pii import personal_strings
from deployments.sandbox.genesys.control.validation import (
    conversation_ids,
    epoch_time,
    read_fields,
    whole_number,
)
from deployments.sandbox.genesys.conversations.revisions import parse_revision
from deployments.sandbox.genesys.conversations.timestamps import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from deployments.sandbox.genesys.simulator import Simulator

_LOG = logging.getLogger(__name__)
YIELD_EVERY = 200  # conversations, after which other requests get a turn
RESETS = ("faults", "counters", "tokens", "all")
MAX_ADDED = 1_000_000


def _json_response(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


async def _bad_request(request: Request, error: Exception) -> Response:  # noqa: ARG001 - Starlette's signature
    return _json_response({"error": str(error)}, 400)


async def _internal_error(request: Request, error: Exception) -> Response:
    _LOG.error("internal error of the simulator at %s", request.url.path, exc_info=error)
    return _json_response({"error": f"internal error of the simulator: {error!r}"}, 500)


async def _json_body(request: Request) -> Any:
    return orjson.loads(await request.body() or b"{}")


def _resets(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(each in RESETS for each in value):
        raise ValueError(f"expected some of {', '.join(RESETS)}")
    return value


class ControlApi:
    """The handlers of /_sim."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def _state(self, window: float) -> dict[str, Any]:
        """Return the counters and the settings."""
        sim = self._simulator
        every, api = sim.all_requests, sim.api_requests
        return {
            "requests": {"all": every.total, "api": api.total, "token": every.total - api.total},
            "most_in_window": {
                "seconds": window,
                "all": every.max_in_window(window),
                "api": api.max_in_window(window),
            },
            "by_path": dict(every.by_name),
            "by_status": {str(status): count for status, count in sim.statuses.items()},
            "given_429": sim.statuses[429],
            "tokens": {"issued": sim.tokens.issued, "alive": sim.tokens.alive(sim.now())},
            "conversations": {
                "known": len(sim.registry),
                "requested": sim.ids_requested,
                "given_out": sim.conversations_returned,
            },
            "faults_struck": dict(sim.faults.injected),
            "faults": sim.faults.settings(),
        }

    async def get_state(self, request: Request) -> Response:
        """GET /_sim."""
        window = request.query_params.get("window", self._simulator.faults.rate_window)
        return _json_response(self._state(float(window)))

    async def get_requests(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's signature
        """GET /_sim/requests."""
        sim = self._simulator
        return _json_response(
            {"all": sim.all_requests.moments.tolist(), "api": sim.api_requests.moments.tolist()}
        )

    async def get_targets(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's signature
        """GET /_sim/targets."""
        return _json_response({"targets": list(self._simulator.targets)})

    async def set_faults(self, request: Request) -> Response:
        """POST /_sim/faults."""
        sim, wanted = self._simulator, await _json_body(request)
        revoked = isinstance(wanted, dict) and wanted.pop("revoke_tokens", False)
        expired = isinstance(wanted, dict) and wanted.pop("expire_jobs", False)
        sim.faults.change(wanted, sim.now())
        if revoked:
            sim.tokens.revoke()
        if expired:
            sim.jobs.expire(sim.now())
        if "seed" in wanted:
            sim.rng.seed(sim.faults.seed)
        return _json_response(sim.faults.settings())

    async def reset(self, request: Request) -> Response:
        """POST /_sim/reset."""
        sim = self._simulator
        only = read_fields(await _json_body(request), {"only": _resets}).get("only", ["all"])
        actions: dict[str, Callable[[], None]] = {
            "all": sim.reset,
            "faults": sim.reset_faults,
            "counters": sim.reset_counters,
            "tokens": sim.tokens.revoke,
        }
        for name in only:
            actions[name]()
        return _json_response({"reset": only})

    async def add_conversations(self, request: Request) -> Response:
        """POST /_sim/conversations."""
        registry, wanted = self._simulator.registry, read_fields(await _json_body(request), _ADD)
        if "start" not in wanted:
            raise ValueError("start: expected a time such as 2026-01-15T00:00:00Z")
        start, end = wanted["start"], wanted.get("end", wanted["start"])
        if end < start:
            raise ValueError("end: expected a time after start")
        added = wanted["ids"] if "ids" in wanted else _new_ids(wanted.get("count", 1))
        for number, conversation_id in enumerate(added):
            registry.add(conversation_id, start, end)
            await _yield_to_event_loop(number)
        return _json_response({"ids": added})

    async def get_conversation(self, request: Request) -> Response:
        """GET /_sim/conversations/{id}."""
        return _json_response(self._simulator.registry.actual(_conversation_id(request)))

    async def add_event(self, request: Request) -> Response:
        """POST /_sim/conversations/{id}/events."""
        sim, revision = self._simulator, parse_revision(await _json_body(request))
        return _json_response(sim.registry.revise(_conversation_id(request), revision, sim.now()))

    async def get_conversations(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's signature
        """GET /_sim/conversations."""
        listed = [
            {"id": conversation_id, "start": timestamp(state.start), "end": timestamp(state.end)}
            for conversation_id, state in self._simulator.registry.items()
        ]
        return _json_response({"conversations": listed})

    async def get_personal_strings(self, request: Request) -> Response:
        """GET /_sim/pii."""
        registry, found = self._simulator.registry, set[str]()
        only = request.query_params.get("id")
        returned = [(id_, state) for id_, state in registry.items() if state.returned and only in (None, id_)]
        for number, (conversation_id, state) in enumerate(returned):
            for revisions in range(len(state.revisions) + 1):
                found |= personal_strings(registry.actual(conversation_id, revisions=revisions))
            await _yield_to_event_loop(number)
        if only is None:
            found |= {string for user in self._simulator.users_returned for string in user}
        return _json_response({"strings": sorted(found)})

    async def get_integrations(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's signature
        """GET /_sim/integrations."""
        return _json_response(self._simulator.integrations.plain())

    async def set_integrations(self, request: Request) -> Response:
        """POST /_sim/integrations."""
        return _json_response(self._simulator.integrations.replace(await _json_body(request)))

    async def get_manual(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's signature
        """GET /_sim/help."""
        return PlainTextResponse(MANUAL)

    def application(self) -> Starlette:
        """Return the ASGI application."""
        routes = [
            Route("/_sim", self.get_state, methods=["GET"]),
            Route("/_sim/help", self.get_manual, methods=["GET"]),
            Route("/_sim/requests", self.get_requests, methods=["GET"]),
            Route("/_sim/targets", self.get_targets, methods=["GET"]),
            Route("/_sim/faults", self.set_faults, methods=["POST"]),
            Route("/_sim/reset", self.reset, methods=["POST"]),
            Route("/_sim/conversations", self.get_conversations, methods=["GET"]),
            Route("/_sim/conversations", self.add_conversations, methods=["POST"]),
            Route("/_sim/conversations/{id}", self.get_conversation, methods=["GET"]),
            Route("/_sim/conversations/{id}/events", self.add_event, methods=["POST"]),
            Route("/_sim/pii", self.get_personal_strings, methods=["GET"]),
            Route("/_sim/integrations", self.get_integrations, methods=["GET"]),
            Route("/_sim/integrations", self.set_integrations, methods=["POST"]),
        ]
        return Starlette(
            routes=routes, exception_handlers={ValueError: _bad_request, Exception: _internal_error}
        )


_ADD = {"count": whole_number(MAX_ADDED), "ids": conversation_ids, "start": epoch_time, "end": epoch_time}


def _new_ids(count: int) -> list[str]:
    # Random, not from the seed: after a reset, the same ids would find the records of the run before.
    return [str(uuid4()) for _ in range(count)]


def _conversation_id(request: Request) -> str:
    return conversation_ids([request.path_params["id"]])[0]


async def _yield_to_event_loop(number: int) -> None:
    if number % YIELD_EVERY == YIELD_EVERY - 1:
        await asyncio.sleep(0)
