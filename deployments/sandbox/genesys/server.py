"""The server: one origin on 127.0.0.1 that is login, API and control."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import uvicorn

from deployments.sandbox.genesys.control import Control
from deployments.sandbox.genesys.gate import Gate

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from deployments.sandbox.genesys.simulator import Simulator

HOST = "127.0.0.1"


def application(simulator: Simulator) -> ASGIApp:
    """Return the ASGI application of a simulator."""
    control, gate = Control(simulator).application(), Gate(simulator)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["path"] == "/_sim" or scope["path"].startswith("/_sim/")
        await (control if ours else gate)(scope, receive, send)

    return serve


class Server(uvicorn.Server):
    """A server that says in one line on stdout where it is, once it answers."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then print the address."""
        await super().startup(sockets)
        if sockets:
            print(f"http://{HOST}:{sockets[0].getsockname()[1]}", flush=True)  # noqa: T201 - the contract


def listen(port: int) -> socket.socket:
    """Return a socket that listens on a port of 127.0.0.1."""
    # The protocol is named because asyncio sets TCP_NODELAY only then: without it each answer takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    listener.listen(512)
    return listener


def serve(simulator: Simulator, port: int) -> None:
    """Answer requests on a port (0: any free one) until interrupted."""
    listener = listen(port)
    config = uvicorn.Config(
        application(simulator),
        interface="asgi3",
        lifespan="off",
        access_log=False,
        log_level="critical",  # dropped connections are the purpose, not news
        server_header=False,
        date_header=False,
        proxy_headers=False,
        http="h11",
        ws="none",
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
    )
    try:
        Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        return
    finally:
        listener.close()
