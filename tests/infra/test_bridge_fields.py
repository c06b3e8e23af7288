"""The bridge's table of fields against the models and the parser by which the flow reads an event."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from fields import DETAIL, ENVELOPE, ID_PATTERN, NESTED, EventField
from pydantic import BaseModel

from tasks.events import InteractionEvent, parse
from tasks.events.models import Body, Envelope, Identifier, Label, Time, Word
from tests.support.bridge_messages import interaction
from tests.support.templates import read_template

KINDS: dict[str, Any] = {"id": Identifier, "label": Label, "time": Time, "enum": Word}
INTERACTION_IDS = {field.name for field in DETAIL if field.kind == "interaction-id"}
BY_FLOW = {field.name for field in DETAIL if field.read_by == "flow"}


def names(model: type[BaseModel]) -> set[str]:
    """Return the names that a model's fields have in an event."""
    return {field.alias or name for name, field in model.model_fields.items()}


def test_the_envelope_has_what_the_flow_reads() -> None:
    """The bridge sends each field of the flow's Envelope, the detail by a table of its own, and no other."""
    assert {field.name for field in ENVELOPE if field.read_by == "flow"} == names(Envelope) - {"detail"}


def test_the_detail_has_what_the_flow_reads() -> None:
    """The bridge sends each field of the flow's Body and the interaction's id, and no other."""
    assert names(Body) == BY_FLOW - INTERACTION_IDS


@pytest.mark.parametrize("field", [each for each in DETAIL if each.kind in KINDS], ids=lambda each: each.name)
def test_a_field_is_of_the_kind_that_the_flow_takes_it_for(field: EventField) -> None:
    """An id is validated as an id, a time as a time: the bridge masks a value by its kind."""
    if field.read_by == "person":
        return
    (read_as,) = (each for name, each in Body.model_fields.items() if (each.alias or name) == field.name)
    assert tuple(read_as.metadata) == get_args(KINDS[field.kind])[1:]


def parsed(detail: Any, detail_type: str) -> list[Any]:
    """Return what the flow makes of an event with this detail."""
    return parse(json.dumps({"id": "e-1", "source": "s", "detail-type": detail_type, "detail": detail}))


@pytest.mark.parametrize("field", DETAIL, ids=lambda each: each.name)
@pytest.mark.parametrize("detail_type", ["conversation.end", "Conversation Update"])
def test_the_flow_finds_the_interaction_in_the_same_fields(field: EventField, detail_type: str) -> None:
    """A UUID is the interaction's id in exactly the fields that the table calls so."""
    (outcome,) = parsed({field.name: interaction(1)}, detail_type)
    assert isinstance(outcome, InteractionEvent) == (field.name in INTERACTION_IDS)


@pytest.mark.parametrize("nested", NESTED)
def test_the_flow_reads_the_same_nested_objects(nested: str) -> None:
    """The object inside a detail is where the flow looks for it: eventBody for Genesys, detail for an update."""
    detail_type = {
        "eventBody": "v2.detail.events.conversation.{id}.customer.end",
        "detail": "Conversation Update",
    }[nested]
    (outcome,) = parsed({nested: {"conversationId": interaction(1)}}, detail_type)
    assert isinstance(outcome, InteractionEvent)


def candidates() -> Iterator[str]:
    """Yield texts with each character first, inside and last, and texts around the longest id."""
    for character in map(chr, range(0x250)):
        yield from (character, f"a{character}b", f"a{character}")
    yield from ("a" * length for length in range(126, 131))


def test_an_id_is_the_same_to_both() -> None:
    """A text is an id to the flow exactly when it matches the bridge's pattern."""
    for text in candidates():
        assert (Envelope(id=text).id == text) == bool(re.fullmatch(ID_PATTERN, text)), repr(text)
        assert _is_queue_id(text) == bool(re.fullmatch(ID_PATTERN, text)), repr(text)


def _is_queue_id(text: str) -> bool:
    return Body.model_validate({"queueId": text}).queue_id == text


def test_the_api_destination_sends_what_the_flow_reads() -> None:
    """The input transformer of the template names each field that the flow reads, in the envelope and the detail."""
    targets = read_template("template.yaml")["Resources"]["Rule"]["Properties"]["Targets"]
    paths = targets[0]["Fn::If"][2]["InputTransformer"]["InputPathsMap"].values()
    assert {path.rpartition(".")[2] for path in paths if path.startswith("$.detail.")} >= BY_FLOW
    envelope = {path.removeprefix("$.") for path in paths if path.count(".") == 1}
    assert {field.name for field in ENVELOPE if field.read_by == "flow"} <= envelope
