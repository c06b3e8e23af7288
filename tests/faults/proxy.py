"""Loopback proxies that do wrong on request: `python -m tests.faults.proxy CONTROL NAME=PORT...`.

Each passes HTTP and WebSockets on to the server that it stands in front of. The control port takes
`PUT /NAME` with any of {"upstream": [host, port], "down": bool, "rules": [...]}, and answers with what
was done so far.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any

from tests.faults import wire
from tests.faults.rules import Rule, Rules

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
        """Refuse connections and cut those that are open, as a server does that has died."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in tuple(self._open):
            writer.transport.abort()

    async def control(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Change what is named; what was done so far."""
        if "upstream" in wanted:
            host, port = wanted["upstream"]
            self._upstream = (host, port)
        if "rules" in wanted:
            self._rules.set(wanted["rules"])
        if wanted.get("down") is True:
            self.refuse()
        elif wanted.get("down") is False:
            await self.listen()
        return {"done": self._rules.done, "open": len(self._open)}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while (head := await wire.read_head(reader)) is not None and await self._serve_one(
                head, (reader, writer)
            ):
                pass
        except (OSError, EOFError):
            writer.transport.abort()
        finally:
            self._open.discard(writer)
            writer.close()

    async def _serve_one(self, head: wire.Head, client: Streams) -> bool:
        """Take one request as far as the rules let it; whether the client's connection goes on."""
        rule = self._rules.of(head.subject)
        body = b"" if head.upgrades else await wire.read_body(client[0], head)
        match rule:
            case Rule(action="refuse"):
                raise ConnectionError
            case Rule(action="answer"):
                client[1].write(wire.answer(rule.status, rule.body.encode(), rule.headers))
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
        """A connection of its own for each request: one that idles would end at a moment of the server's choice."""
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
    rule: Rule | None, head: wire.Head, body: bytes, client: asyncio.StreamWriter, upstream: Streams
) -> bool:
    upstream[1].write(head.raw + body)
    await upstream[1].drain()
    answer, content = await wire.read_answer(upstream[0], head.first_line.split()[0])
    if rule is not None and rule.action == "drop":
        raise ConnectionError
    if rule is not None and rule.action == "hold":
        await asyncio.sleep(rule.seconds)
    half = rule is not None and rule.action == "half"
    client.write(answer.raw + (content[: len(content) // 2] if half else content))
    await client.drain()
    return not (half or answer.closes or head.closes)


async def _tunnel(head: wire.Head, client: Streams, upstream: Streams) -> None:
    upstream[1].write(head.raw)
    ways = [
        asyncio.create_task(_pipe(client[0], upstream[1])),
        asyncio.create_task(_pipe(upstream[0], client[1])),
    ]
    _, pending = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    for way in pending:
        way.cancel()


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
        while (head := await wire.read_head(reader)) is not None:
            name = head.first_line.split()[1].strip("/")
            body = await wire.read_body(reader, head)
            told = await proxies[name].control(json.loads(body or b"{}")) if name in proxies else {}
            writer.write(wire.answer(200, json.dumps(told).encode(), {}))
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(controlled, "127.0.0.1", control)
    await server.serve_forever()


def _ports(arguments: Sequence[str]) -> dict[str, int]:
    pairs = (argument.partition("=") for argument in arguments)
    return {name: int(port) for name, _, port in pairs}


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), _ports(sys.argv[2:])))
