"""What an event may look like: the envelope first, then the body, small models of the fields that count.

A field of the wrong type is an error that names it. Anything unknown is ignored: fields that Genesys adds,
and values that it adds to its enumerations. The source is not judged: that is the EventBridge rule's part.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError
from pydantic_core import PydanticCustomError

from tasks.events.instants import instant
from tasks.events.rejection import Unacceptable, kind
from tasks.events.words import enum_word

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# What ids consist of anywhere in Genesys and AWS; no character of it means anything in a URL path, in HTML,
# in Markdown or in a log line.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:#-]{0,127}")
_LONGEST_LABEL = 256


def _problem(code: str, problem: str) -> PydanticCustomError:
    return PydanticCustomError(code, "{problem}", {"problem": problem})


def _optional_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise _problem("wrong-type", f"is {kind(value)} instead of text")


def _identifier(value: Any) -> str | None:
    text = _optional_text(value)
    if text and not _ID.fullmatch(text):
        raise _problem("malformed-id", f"is {kind(text)} that is not an id")
    return text or None


def _envelope_id(value: Any) -> str | None:
    # Not worth an event: the pipeline derives an id of its own for an envelope without a usable one.
    text = _optional_text(value)
    return text if text and _ID.fullmatch(text) else None


def _label(value: Any) -> str | None:
    text = _optional_text(value)
    return text if text and text.isprintable() and len(text) <= _LONGEST_LABEL else None


def _word(value: Any) -> str | None:
    text = _optional_text(value)
    return enum_word(text) if text else None


def _time(value: Any) -> datetime | None:
    # A time that cannot be read costs only the time: nothing is decided by it.
    if isinstance(value, bool | list | dict):
        raise _problem("wrong-type", f"is {kind(value)} instead of a time")
    return instant(value)


Identifier = Annotated[str | None, PlainValidator(_identifier)]
Label = Annotated[str | None, PlainValidator(_label)]
Word = Annotated[str | None, PlainValidator(_word)]
Time = Annotated[datetime | None, PlainValidator(_time)]


class Envelope(BaseModel):
    """What EventBridge puts around an event."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: Annotated[str | None, PlainValidator(_envelope_id)] = None
    source: Label = None
    detail_type: Label = Field(default=None, alias="detail-type")
    replay_name: Label = Field(default=None, alias="replay-name")
    detail: Any = None


class Body(BaseModel):
    """The fields beside the interaction's id that any of the three shapes may have."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    type: Label = None
    event_time: Time = Field(default=None, alias="eventTime")
    timestamp: Time = None
    participant_id: Identifier = Field(default=None, alias="participantId")
    session_id: Identifier = Field(default=None, alias="sessionId")
    queue_id: Identifier = Field(default=None, alias="queueId")
    media_type: Word = Field(default=None, alias="mediaType")
    direction: Word = None
    disconnect_type: Word = Field(default=None, alias="disconnectType")


Shape = TypeVar("Shape", Envelope, Body)


def read(shape: type[Shape], value: dict[str, Any], path: str, interaction_id: str | None = None) -> Shape:
    """Return the value as that shape; raises Unacceptable, which names the first field at fault."""
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Unacceptable(first["type"], f"{path}{first['loc'][0]} {first['msg']}", interaction_id) from None


def as_object(value: Any, path: str) -> dict[str, Any]:
    """Return the value if it is a JSON object; raises Unacceptable."""
    if isinstance(value, dict):
        return value
    raise Unacceptable("not-an-object", f"{path} is {kind(value)} instead of an object")


def canonical_id(value: Any) -> str | None:
    """Return the UUID in lower case; None for anything that is not exactly its 8-4-4-4-12 form."""
    return value.lower() if isinstance(value, str) and _UUID.fullmatch(value) else None


def interaction_id(body: dict[str, Any], path: str, names: tuple[str, ...]) -> str:
    """Return the interaction's id from the first of these fields that is there; raises Unacceptable."""
    name = next((name for name in names if body.get(name) is not None), names[0])
    value = body.get(name)
    if value is None:
        raise Unacceptable("missing-conversation-id", f"{path}{name} is absent")
    if found := canonical_id(value):
        return found
    raise Unacceptable("malformed-conversation-id", f"{path}{name} is {kind(value)} that is not a UUID")
