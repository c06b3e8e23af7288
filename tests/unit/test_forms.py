"""The forms of the deployments: what Prefect refuses before there is a run, and what a person does not see."""

from __future__ import annotations

from typing import Any

import pytest
from prefect import Flow
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import is_valid

from flows.erase_interactions import erase_interactions
from flows.process_interactions import process_interactions
from flows.publish_interactions import publish_interactions
from flows.reconcile_interactions import reconcile_interactions
from flows.refresh_directory import refresh_directory
from flows.replay_interactions import replay_interactions

ID = "7f3c2a10-1111-4222-8333-444455556666"
FLOWS: tuple[Flow[Any, Any], ...] = (
    process_interactions,
    replay_interactions,
    reconcile_interactions,
    erase_interactions,
    publish_interactions,
    refresh_directory,
)
BY_ID: tuple[Flow[Any, Any], ...] = (replay_interactions, erase_interactions)


def form(flow: Flow[Any, Any]) -> dict[str, Any]:
    """Return the schema that `prefect deploy` gives to the server, which makes the form of it."""
    return parameter_schema(flow.fn).model_dump_for_openapi()


@pytest.mark.parametrize("flow", BY_ID, ids=lambda flow: flow.name)
@pytest.mark.parametrize(
    "typed",
    [ID[:-1], f"{ID}0", ID.replace("-", ""), f"{{{ID}}}", "+15550100999", "", ID.replace("7", "g", 1)],
)
def test_a_mistyped_id_is_refused_before_there_is_a_run(flow: Flow[Any, Any], typed: str) -> None:
    """Also among good ones: Prefect compares with the form's schema, and creates no run."""
    assert not is_valid({"interaction_ids": [ID, typed]}, form(flow))


@pytest.mark.parametrize("flow", BY_ID, ids=lambda flow: flow.name)
@pytest.mark.parametrize("typed", [ID, ID.upper(), f" {ID}\n"])
def test_an_id_is_taken_in_capitals_and_between_blanks(flow: Flow[Any, Any], typed: str) -> None:
    """As it is copied out of Genesys, a log or a sheet."""
    assert is_valid({"interaction_ids": [typed]}, form(flow))


@pytest.mark.parametrize(
    ("flow", "shown", "internal"),
    [
        (process_interactions, {"events"}, {"attempt": 3, "throttled": 1}),
        (
            erase_interactions,
            {"interaction_ids", "external_contact_id", "customer_keys", "dry_run", "reason", "requested_by"},
            {"second_pass_of": ID},
        ),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_what_only_the_program_sets_is_not_on_the_form(
    flow: Flow[Any, Any], shown: set[str], internal: dict[str, Any]
) -> None:
    """The server takes it all the same, and the flow gets it."""
    given: dict[str, Any] = {"events": []} if "events" in shown else {}
    assert set(form(flow)["properties"]) == shown
    assert is_valid(given | internal, form(flow))
    assert flow.validate_parameters(given | internal).items() >= internal.items()


def test_an_empty_form_reconciles_the_last_three_hours_and_reads_no_table() -> None:
    """The description says so; what reads the table has to be asked for."""
    properties = form(reconcile_interactions)["properties"]
    assert is_valid({}, form(reconcile_interactions))
    assert properties["unsettled"]["default"] == "none"
    assert "All four empty: the last three hours." in properties["start"]["description"]
    assert list(properties)[-1] == "schedule"


def test_force_warns() -> None:
    """What is newer in the table is lost by it."""
    assert form(replay_interactions)["properties"]["force"]["description"].startswith("CAUTION")


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_each_field_of_a_form_is_explained(flow: Flow[Any, Any]) -> None:
    """By the docstring's words."""
    assert [name for name, each in form(flow)["properties"].items() if not each.get("description")] == []
