"""Loopback proxies that disturb requests by rules: `python -m tests.faults.proxy_process CONTROL NAME=PORT...`.

Each passes HTTP and WebSockets on to its upstream server. The control port takes `PUT /NAME` with any of
{"upstream": [host, port], "down": bool, "rules": [...]}, and answers with the proxy's state.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any

from tests.faults import http_messages
from tests.faults.proxy_rules import Rule, Rules

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Proxy:
    """One port in front of one server."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._upstream: tuple[str, int] | None = None
        self._rules = Rules()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def listen(self) -> None:
        """Accept connections."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)

    def refuse(self) -> None:
        """Refuse connections and cut those that are open, as a killed server does."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in tuple(self._open):
            writer.transport.abort()

    async def control(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Change what is given; return how often each action was applied, and the open connections."""
        if "upstream" in settings:
            host, port = settings["upstream"]
            self._upstream = (host, port)
        if "rules" in settings:
            self._rules.set(settings["rules"])
        if settings.get("down") is True:
            self.refuse()
        elif settings.get("down") is False:
            await self.listen()
        return {"applied": self._rules.applied, "open": len(self._open)}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while (head := await http_messages.read_head(reader)) is not None and await self._serve_one(
                head, (reader, writer)
            ):
                pass
        except (OSError, EOFError):
            writer.transport.abort()
        finally:
            self._open.discard(writer)
            writer.close()

    async def _serve_one(self, head: http_messages.Head, client: Streams) -> bool:
        """Serve one request by the rules; return whether the client's connection goes on."""
        rule = self._rules.match(head.subject)
        body = b"" if head.upgrades else await http_messages.read_body(client[0], head)
        match rule:
            case Rule(action="refuse"):
                raise ConnectionError
            case Rule(action="answer"):
                client[1].write(http_messages.answer(rule.status, rule.body.encode(), rule.headers))
                await client[1].drain()
                return True
            case Rule(action="delay"):
                await asyncio.sleep(rule.seconds)
        async with self._connected() as upstream:
            if head.upgrades:
                await _tunnel(head, client, upstream)
                return False
            return await _exchange(rule, head, body, client[1], upstream)

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[Streams]:
        """Open a connection for one request: the server would close an idle one at any moment."""
        if self._upstream is None:
            raise ConnectionError
        reader, writer = await asyncio.open_connection(*self._upstream)
        self._open.add(writer)
        try:
            yield reader, writer
        finally:
            self._open.discard(writer)
            writer.close()


async def _exchange(
    rule: Rule | None, head: http_messages.Head, body: bytes, client: asyncio.StreamWriter, upstream: Streams
) -> bool:
    upstream[1].write(head.raw + body)
    await upstream[1].drain()
    answer, content = await http_messages.read_answer(upstream[0], head.first_line.split()[0])
    if rule is not None and rule.action == "drop":
        raise ConnectionError
    if rule is not None and rule.action == "hold":
        await asyncio.sleep(rule.seconds)
    half = rule is not None and rule.action == "half"
    client.write(answer.raw + (content[: len(content) // 2] if half else content))
    await client.drain()
    return not (half or answer.closes or head.closes)


async def _tunnel(head: http_messages.Head, client: Streams, upstream: Streams) -> None:
    upstream[1].write(head.raw)
    directions = [
        asyncio.create_task(_pipe(client[0], upstream[1])),
        asyncio.create_task(_pipe(upstream[0], client[1])),
    ]
    _, pending = await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
    for direction in pending:
        direction.cancel()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()


async def main(control: int, ports: dict[str, int]) -> None:
    """Serve until the process is ended."""
    proxies = {name: Proxy(port) for name, port in ports.items()}
    for proxy in proxies.values():
        await proxy.listen()

    async def controlled(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (head := await http_messages.read_head(reader)) is not None:
            name = head.first_line.split()[1].strip("/")
            body = await http_messages.read_body(reader, head)
            state = await proxies[name].control(json.loads(body or b"{}")) if name in proxies else {}
            writer.write(http_messages.answer(200, json.dumps(state).encode(), {}))
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(controlled, "127.0.0.1", control)
    await server.serve_forever()


def _ports(arguments: Sequence[str]) -> dict[str, int]:
    pairs = (argument.partition("=") for argument in arguments)
    return {name: int(port) for name, _, port in pairs}


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), _ports(sys.argv[2:])))
