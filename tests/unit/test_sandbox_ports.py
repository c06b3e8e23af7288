"""Ports of the sandbox's servers: none that the system may give to a client before the server starts."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path

from deployments.sandbox.processes import free_port

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST_OUTGOING = int(_RANGE.read_text().split()[0]) if _RANGE.exists() else 49_152


def test_a_client_is_never_given_the_port_of_a_server_that_starts_later() -> None:
    """Between the choice of a port and the start of its server, any client may connect to something."""
    assert all(1024 < free_port() < _LOWEST_OUTGOING for _ in range(200))


def test_a_port_that_a_server_holds_is_not_given_again() -> None:
    """A port is tried before it is named."""
    with ExitStack() as held:
        for _ in range(200):
            server = held.enter_context(socket.socket())
            server.bind(("127.0.0.1", free_port()))
