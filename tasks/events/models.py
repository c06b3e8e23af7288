"""The fields of an event that are read: models of the envelope and of the body.

Only the detail-type and the interaction's id decide anything, so any other field with a value that it cannot have is
left out: an event tells of a conversation, whatever else is wrong with it. Unknown fields are ignored, and unknown
values of enumerations are kept.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError
from pydantic_core import PydanticCustomError

from tasks.events.enums import enum_word
from tasks.events.rejection import EventRejected, kind
from tasks.values import canonical_id, instant

# The characters of ids in Genesys and AWS; none of them has a meaning in a URL path, in HTML, in Markdown or in a
# log line.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:#-]{0,127}")
_MAX_LABEL = 256  # characters


def _identifier(value: Any) -> str | None:
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def _label(value: Any) -> str | None:
    fits = isinstance(value, str) and value.isprintable() and len(value) <= _MAX_LABEL
    return value or None if fits else None


def _detail_type(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return _label(value)
    problem = {"problem": f"is {kind(value)} instead of text"}
    raise PydanticCustomError("wrong-type", "{problem}", problem)


def _word(value: Any) -> str | None:
    return enum_word(value) if isinstance(value, str) else None


Identifier = Annotated[str | None, PlainValidator(_identifier)]
Label = Annotated[str | None, PlainValidator(_label)]
DetailType = Annotated[str | None, PlainValidator(_detail_type)]
Word = Annotated[str | None, PlainValidator(_word)]
Time = Annotated[datetime | None, PlainValidator(instant)]


class Envelope(BaseModel):
    """The fields that EventBridge adds around an event; `parse` derives an id from the text where there is none."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: Identifier = None
    source: Label = None
    detail_type: DetailType = Field(default=None, alias="detail-type")
    replay_name: Label = Field(default=None, alias="replay-name")
    detail: Any = None


class Body(BaseModel):
    """The fields, beside the interaction's id, of the three shapes."""

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


Model = TypeVar("Model", Envelope, Body)


def read(model: type[Model], value: dict[str, Any], path: str, interaction_id: str | None = None) -> Model:
    """Return the value as that model. Raises EventRejected, which names the first field of a wrong type."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise EventRejected(
            first["type"], f"{path}{first['loc'][0]} {first['msg']}", interaction_id
        ) from None


def as_object(value: Any, path: str) -> dict[str, Any]:
    """Return the value if it is a JSON object. Raises EventRejected."""
    if isinstance(value, dict):
        return value
    raise EventRejected("not-an-object", f"{path} is {kind(value)} instead of an object")


def interaction_id(body: dict[str, Any], path: str, names: tuple[str, ...]) -> str:
    """Return the interaction's id from the first of the named fields that is not null. Raises EventRejected."""
    name = next((name for name in names if body.get(name) is not None), names[0])
    value = body.get(name)
    if value is None:
        raise EventRejected("missing-conversation-id", f"{path}{name} is absent")
    if found := canonical_id(value):
        return found
    raise EventRejected("malformed-conversation-id", f"{path}{name} is {kind(value)} that is not a UUID")
