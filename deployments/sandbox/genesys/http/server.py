"""The HTTP server: login, API and control on one port of 127.0.0.1."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import uvicorn

from deployments.sandbox.genesys.control.app import ControlApi
from deployments.sandbox.genesys.http.app import ApiApplication

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from deployments.sandbox.genesys.simulator import Simulator

HOST = "127.0.0.1"


def application(simulator: Simulator) -> ASGIApp:
    """Return the ASGI application of a simulator."""
    control, api = ControlApi(simulator).application(), ApiApplication(simulator)

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        is_control = scope["path"] == "/_sim" or scope["path"].startswith("/_sim/")
        await (control if is_control else api)(scope, receive, send)

    return dispatch


class SimulatorServer(uvicorn.Server):
    """A server that prints its address, one line on stdout, when it accepts requests."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and print the address."""
        await super().startup(sockets)
        if sockets:
            print(f"http://{HOST}:{sockets[0].getsockname()[1]}", flush=True)  # noqa: T201 - read by `process.running`


def listen(port: int) -> socket.socket:
    """Return a socket that listens on a port of 127.0.0.1."""
    # asyncio sets TCP_NODELAY only if the protocol is named; without it each response takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    listener.listen(512)
    return listener


def serve(simulator: Simulator, port: int) -> None:
    """Serve on a port (0: any free one) until interrupted."""
    listener = listen(port)
    config = uvicorn.Config(
        application(simulator),
        interface="asgi3",
        lifespan="off",
        access_log=False,
        log_level="critical",  # it would log every dropped connection as an error
        server_header=False,
        date_header=False,
        proxy_headers=False,
        http="h11",
        ws="none",
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
    )
    try:
        SimulatorServer(config).run(sockets=[listener])
    except KeyboardInterrupt:
        return
    finally:
        listener.close()
