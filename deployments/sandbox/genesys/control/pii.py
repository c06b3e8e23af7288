"""Personal data: the strings of a conversation that identify or describe a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deployments.sandbox.genesys.conversations.operational import operational

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deployments.sandbox.genesys.conversations import Json

FIELDS = frozenset({
    "addressFrom", "addressOther", "addressSelf", "addressTo", "ani", "bcc", "callbackNumbers",
    "callbackUserName", "cc", "dnis", "externalTag", "remote", "remoteNameDisplayable", "sessionDnis",
    "subject", "wrapUpNote", "customerEmail", "customerName", "address", "notes",
})  # fmt: skip
# Purposes whose participantName is that of a queue, a flow or a machine.
IMPERSONAL = frozenset({"acd", "ivr", "workflow", "botflow", "voicemail"})


def personal_strings(details: Json) -> set[str]:
    """Return the personal strings of a conversation, in its details and in its operational model."""
    found = set(_strings(details)) | set(_strings(operational(details)))
    people = [p for p in details["participants"] if p["purpose"] not in IMPERSONAL]
    return found | {p["participantName"] for p in people if "participantName" in p}


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _strings(each)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name in FIELDS:
                yield from (e for e in (inner if isinstance(inner, list) else [inner]) if isinstance(e, str))
            else:
                yield from _strings(inner)
