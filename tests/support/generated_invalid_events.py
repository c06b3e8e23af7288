"""Invalid events from Hypothesis, the same ones in every run."""

from __future__ import annotations

import json
import uuid
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.invalid_events import VALID_ID, InvalidEvent, event, genesys_event

_TRIES = 400
_text = st.text(alphabet=st.characters(codec=None), max_size=60)
_scalars = st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.floats(allow_nan=False) | _text
_keys = st.sampled_from(["detail", "eventBody", "conversationId", "queueId", "__prefect_kind"]) | _text
_json = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_keys, inner, max_size=4),
    max_leaves=12,
)
_mutations = st.tuples(st.integers(0, len(VALID_ID) - 1), st.characters(codec=None)).map(
    lambda chosen: VALID_ID[: chosen[0]] + chosen[1] + VALID_ID[chosen[0] + 1 :]
)


def is_id(value: Any) -> bool:
    """Return whether a value is a UUID in its canonical form, by Python's own parser."""
    try:
        return bool(str(uuid.UUID(value)) == value.lower() and value.isascii())
    except (ValueError, AttributeError, TypeError):
        return False


def _is_event(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


_ids = (_mutations | _json).filter(lambda value: not is_id(value))


def _named(kind: str, value: Any) -> str:
    return f"{kind} {json.dumps(value, sort_keys=True)}"


def _with_id(value: Any) -> InvalidEvent:
    name = _named("id", value)
    return InvalidEvent(
        name, genesys_event(name, {"conversationId": value}), value if isinstance(value, str) else ""
    )


def _with_record(value: Any) -> InvalidEvent:
    name = _named("record", value)
    return InvalidEvent(name, event(name, {"detail": {"interactionId": value}}, "Conversation Update"))


def _with_detail(detail: Any) -> InvalidEvent:
    name = _named("detail", detail)
    return InvalidEvent(name, event(name, detail))


def _with_text(text: str) -> InvalidEvent:
    return InvalidEvent(f"text {text!a}", text)


def _says_an_id(value: Any) -> bool:
    return isinstance(value, dict) and any(
        is_id(value.get(name)) for name in ("conversationId", "interactionId")
    )


bad_events = st.one_of(
    _ids.map(_with_id),
    _ids.map(_with_record),
    _json.filter(lambda value: not _says_an_id(value)).map(_with_detail),
    _text.filter(lambda text: not _is_event(text)).map(_with_text),
)


def generated_events() -> list[InvalidEvent]:
    """Return the generated cases, each once; Hypothesis generates the same ones in every process."""
    found: dict[str, InvalidEvent] = {}

    @settings(
        derandomize=True,
        max_examples=_TRIES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(bad_events)
    def collect(bad: InvalidEvent) -> None:
        found.setdefault(bad.body, bad)

    collect()
    return list(found.values())
