"""The fields of an event that are read: models of the envelope and of the body.

Only the detail-type and the interaction's id decide anything, so any other field with a value that it cannot have is
left out: an event tells of a conversation, whatever else is wrong with it. Unknown fields are ignored, and so are words
that are not known: what is read is written into later runs and shown, and may be anything but personal.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError
from pydantic_core import PydanticCustomError

from tasks.events import grammar
from tasks.events.enums import enum_word
from tasks.events.rejection import EventRejected, is_withheld, kind
from tasks.values import canonical_id, instant

_OURS = ("replay", "reconcile")  # what asked for an interaction that no event told of, as later runs carry it
# The ids that the bridge lets pass, those that `parse` derives from a text, with # those of a list's records, and ours.
_EVENT_ID = re.compile(
    rf"(?:{grammar.UUID}|[0-9a-f]{{64}})(?:\.[0-9]{{1,6}}){{0,2}}(?:#[0-9]{{1,6}})?"
    rf"|(?:{'|'.join(_OURS)}):{grammar.UUID}"
)


def _where(fits: Callable[[Any], bool], value: Any) -> str | None:
    return value if fits(value) else None


def _event_id(value: Any) -> str | None:
    return value if isinstance(value, str) and _EVENT_ID.fullmatch(value) else None


def _detail_type(value: Any) -> str | None:
    if value is None or isinstance(value, str) or is_withheld(value, "text"):
        return _where(grammar.is_detail_type, value)
    problem = {"problem": f"is {kind(value)} instead of text"}
    raise PydanticCustomError("wrong-type", "{problem}", problem)


def _word(field: str, value: Any) -> str | None:
    return enum_word(value) if grammar.is_word(field, value) else None


def _type(value: Any) -> str | None:
    return value if value in _OURS or grammar.is_word("type", value) else None


def _source(value: Any) -> str | None:
    return value if value in _OURS or grammar.is_source(value) else None


def _time(value: Any) -> datetime | None:
    return instant(value) if grammar.is_time(value) else None


Identifier = Annotated[str | None, PlainValidator(partial(_where, grammar.is_id))]
EventId = Annotated[str | None, PlainValidator(_event_id)]
Source = Annotated[str | None, PlainValidator(_source)]
DetailType = Annotated[str | None, PlainValidator(_detail_type)]
ReplayName = Annotated[str | None, PlainValidator(partial(_where, grammar.is_replay_name))]
RecordType = Annotated[str | None, PlainValidator(_type)]
MediaType = Annotated[str | None, PlainValidator(partial(_word, "mediaType"))]
Direction = Annotated[str | None, PlainValidator(partial(_word, "direction"))]
DisconnectType = Annotated[str | None, PlainValidator(partial(_word, "disconnectType"))]
Time = Annotated[datetime | None, PlainValidator(_time)]


class Envelope(BaseModel):
    """The fields that EventBridge adds around an event; `parse` derives an id from the text where there is none."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: EventId = None
    source: Source = None
    detail_type: DetailType = Field(default=None, alias="detail-type")
    replay_name: ReplayName = Field(default=None, alias="replay-name")
    detail: Any = None


class Body(BaseModel):
    """The fields, beside the interaction's id, of the three shapes."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    type: RecordType = None
    event_time: Time = Field(default=None, alias="eventTime")
    timestamp: Time = None
    participant_id: Identifier = Field(default=None, alias="participantId")
    session_id: Identifier = Field(default=None, alias="sessionId")
    queue_id: Identifier = Field(default=None, alias="queueId")
    media_type: MediaType = Field(default=None, alias="mediaType")
    direction: Direction = None
    disconnect_type: DisconnectType = Field(default=None, alias="disconnectType")


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
    if isinstance(value, dict) and not is_withheld(value):
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
