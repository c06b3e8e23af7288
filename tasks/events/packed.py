"""Packed events: the events of a large batch in one compressed text, as the bridge sends them."""

from __future__ import annotations

import binascii
import zlib
from base64 import b64decode
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

PREFIX = "deflate:"
"""Before the base64 of what zlib makes of the events, a line each."""
_MAX_BYTES = 16_000_000  # of all events of a packed text: ten times what the bridge packs

EventTexts = Annotated[list[str], Field(json_schema_extra={"packed": PREFIX})]
"""The events of a run, packed or not; the schema says so to the bridge."""


def unpacked(texts: Iterable[str]) -> list[str]:
    """Return the events of a run's parameter, each a text. What cannot be unpacked stays as it is, to be rejected."""
    return [event for text in texts for event in _events(text)]


def _events(text: str) -> list[str]:
    # A parameter may hold anything, whatever its type says.
    if not isinstance(text, str) or not text.startswith(PREFIX):
        return [text]
    packing = zlib.decompressobj()
    try:
        whole = packing.decompress(b64decode(text.removeprefix(PREFIX), validate=True), _MAX_BYTES)
        return whole.decode("ascii").split("\n") if packing.eof else [text]
    except (zlib.error, binascii.Error, UnicodeDecodeError):
        return [text]
