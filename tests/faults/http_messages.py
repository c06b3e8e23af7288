"""Read and write HTTP/1.1 messages as bytes, so that a proxy passes them on unchanged."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

_NO_BODY = {204, 304}


@dataclass(frozen=True)
class Head:
    """The first line and the headers of a request or an answer."""

    raw: bytes
    first_line: str
    headers: dict[str, str]  # by lower-case name; of a repeated one the last

    @property
    def status(self) -> int:
        """The status of an answer."""
        return int(self.first_line.split()[1])

    @property
    def subject(self) -> str:
        """What rules match of a request: method, path and, for AWS, the operation."""
        method, path, *_ = self.first_line.split()
        return f"{method} {path} {self.headers.get('x-amz-target', '')}".strip()

    @property
    def upgrades(self) -> bool:
        """Whether a request asks for a WebSocket."""
        return "upgrade" in self.headers.get("connection", "").lower()

    @property
    def closes(self) -> bool:
        """Whether the connection ends with this message."""
        return self.headers.get("connection", "").lower() == "close"


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """Return the next message's head; None when the other side has closed."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
        return None
    first_line, *lines = raw.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    return Head(raw, first_line, {name.strip().lower(): value.strip() for name, _, value in pairs})


async def read_body(reader: asyncio.StreamReader, head: Head, *, until_closed: bool = False) -> bytes:
    """Return the body unchanged, in chunks if it came so; `until_closed` for an answer without a length."""
    if head.headers.get("transfer-encoding", "").lower() == "chunked":
        return await _chunks(reader)
    if "content-length" in head.headers:
        return await reader.readexactly(int(head.headers["content-length"]))
    return await reader.read() if until_closed else b""


async def read_answer(reader: asyncio.StreamReader, method: str) -> tuple[Head, bytes]:
    """Return the answer to a request of this method; raises ConnectionError when there is none."""
    head = await read_head(reader)
    if head is None:
        raise ConnectionError("no answer")
    if method == "HEAD" or head.status in _NO_BODY:
        return head, b""
    return head, await read_body(reader, head, until_closed=True)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts: list[bytes] = []
    while True:
        size = await reader.readuntil(b"\r\n")
        parts.append(size)
        length = int(size.split(b";")[0], 16)
        if length:
            parts.append(await reader.readexactly(length + 2))
        else:
            parts.append(await _trailer(reader))
            return b"".join(parts)


async def _trailer(reader: asyncio.StreamReader) -> bytes:
    lines = b""
    while not lines.endswith(b"\r\n\r\n") and lines != b"\r\n":
        lines += await reader.readuntil(b"\r\n")
    return lines


def answer(status: int, body: bytes, headers: dict[str, str]) -> bytes:
    """Return an answer of the proxy's own."""
    all_headers = {"content-type": "application/json", **headers, "content-length": str(len(body))}
    lines = [f"HTTP/1.1 {status} Fault", *(f"{name}: {value}" for name, value in all_headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body
