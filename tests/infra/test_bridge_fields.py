"""The bridge's table of fields against the models and the parser by which the flow reads an event."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fields import DETAIL, ENVELOPE, NESTED, EventField
from pydantic import BaseModel

from tasks.events import InteractionEvent, parse
from tasks.events.models import Body, Envelope
from tests.support.bridge_messages import interaction
from tests.support.templates import read_template

UUID = "c0000000-0000-4000-8000-000000000001"
SAMPLES: list[Any] = [
    *(
        UUID,
        UUID.upper(),
        f"{UUID}.500",
        f"{UUID} ",
        "e-1",
        "15550177321",
        15550177321,
        None,
        True,
        [],
        {},
        "",
    ),
    *(
        "VOICE",
        "internal_message",
        "INBOUND",
        "Outbound",
        "NO_ANSWER_TRANSFER",
        "noAnswer",
        "hologram",
        "Ada",
    ),
    *(
        "conversation:update",
        "update",
        "conversation.end",
        "Conversation Update",
        "conversation end",
        "x" * 999,
    ),
    *(
        "v2.detail.events.conversation.{id}.customer.end",
        f"v2.users.{UUID}.presence",
        "v2.15550177321",
        "v2.",
    ),
    *(
        "gen.cloud.events",
        f"aws.partner/genesys.com/cloud/{UUID}/a-1",
        "aws.partner/genesys.com/cloud/x",
        "ada.l",
    ),
    *(
        1712101512301,
        "1712101512301",
        1712101512301.5,
        "2024-04-02T23:45:12.301Z",
        "2024-04-02",
        "soon",
        7,
        1e400,
    ),
    *("stack-Rule-1A2B-20260302T093045000001", "after-the-outage"),
]
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


@pytest.mark.parametrize("field", [*ENVELOPE, *DETAIL], ids=lambda each: each.name)
def test_the_flow_reads_what_the_bridge_sends(field: EventField) -> None:
    """Of each sample the flow reads the same from the field, whether the bridge has reduced it or not."""
    model: type[BaseModel] = Envelope if field in ENVELOPE else Body
    names = [name for name, each in model.model_fields.items() if (each.alias or name) == field.name]
    for sample in SAMPLES:
        for name in names:
            sent, whole = (_read(model, name, {field.name: value}) for value in (field.sent(sample), sample))
            assert sent == whole, sample
            assert (whole is not None) == (
                sample is not None and field.sent(sample) is sample and sample is not True
            )


def _read(model: type[BaseModel], name: str, event: dict[str, Any]) -> Any:
    try:
        return getattr(model.model_validate(event), name)
    except ValueError:
        return None


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


def test_the_api_destination_sends_what_the_flow_reads() -> None:
    """The input transformer of the template names each field that the flow reads, in the envelope and the detail."""
    targets = read_template("template.yaml")["Resources"]["Rule"]["Properties"]["Targets"]
    paths = targets[0]["Fn::If"][2]["InputTransformer"]["InputPathsMap"].values()
    assert {path.rpartition(".")[2] for path in paths if path.startswith("$.detail.")} >= BY_FLOW
    envelope = {path.removeprefix("$.") for path in paths if path.count(".") == 1}
    assert {field.name for field in ENVELOPE if field.read_by == "flow"} <= envelope
