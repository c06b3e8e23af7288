"""Conversations that Hypothesis makes: contradictory ones, and samples with wrong values in them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

ID = "c0000000-0000-4000-8000-000000000001"

# Few values, so that ties, repetitions and contradictions are common.
few = st.sampled_from(["a", "b", "c"])
times = st.sampled_from([f"2026-03-02T09:0{minute}:00.000Z" for minute in range(3)])
metric_names = st.sampled_from(["tTalk", "tAbandon", "nTransferred", "oTurn"])
numbers = st.integers(0, 5) | st.decimals(-5, 5, places=4)
addresses = st.sampled_from(["a@example.com", "b@example.com", "no address"])


def some(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects with any part of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


segments = some(
    {
        "segmentStart": times,
        "segmentEnd": times,
        "queueId": few,
        "wrapUpCode": few,
        "disconnectType": few,
        "segmentType": st.sampled_from(["interact", "alert", "hold", "wrapup", "monitoring", "barging"]),
    }
)
sessions = some(
    {
        "sessionId": few,
        "mediaType": st.sampled_from(["voice", "email", "cobrowse", "unknown"]),
        "direction": st.sampled_from(["inbound", "outbound"]),
        "addressFrom": addresses,
        "addressTo": addresses,
        "addressOther": addresses,
        "segments": st.lists(segments, max_size=3),
        "metrics": st.lists(some({"name": metric_names, "value": numbers}), max_size=3),
    }
)
participants = some(
    {
        "participantId": few,
        "purpose": st.sampled_from(["customer", "external", "agent", "user", "acd"]),
        "userId": few,
        "participantName": few,
        "externalContactId": few,
        "attributes": some({"mail": addresses}),
        "sessions": st.lists(sessions, max_size=3),
    }
)
conversations = some(
    {
        "conversationStart": times,
        "conversationEnd": times,
        "originatingDirection": few,
        "participants": st.lists(participants, max_size=4),
    }
).map(lambda fields: {"conversationId": ID} | fields)


def leaves(value: Any) -> Iterator[Any]:
    """Return every value and container below this one."""
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield item
        yield from leaves(item)


garbage = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**40, -1, 0, float("nan"), float("inf"), 1.1, "", " ", "\ud800", "\0", "x" * 5000])
    | st.decimals()
    | st.text(st.characters(codec=None), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def flawed(draw: st.DrawFn, samples: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return one of the samples with wrong values in one to five places; its id is never one of them."""
    details = copy.deepcopy(samples[draw(st.sampled_from(sorted(samples)))])
    places = [
        (holder, key)
        for holder in [details, *leaves(details)]
        for key in (
            holder if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ()
        )
        if key != "conversationId"
    ]
    for holder, key in draw(st.lists(st.sampled_from(places), min_size=1, max_size=5)):
        holder[key] = draw(garbage)
    return details
