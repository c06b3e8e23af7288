"""What may be shown of an event: the shapes of ids, sources, topics and times, and the words that are known.

A broken sender puts names, telephone numbers and account numbers into any field. No mask tells those from ids and
words, so only what has one of these shapes is sent to Prefect, logged or shown; of anything else its kind and length.

The bridge and the flow have the same module, byte by byte (`infra/bridge/grammar.py`, `tasks/events/grammar.py`): they
are deployed apart, and neither imports the other.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Any

MAX_TEXT = 256  # characters of anything that is shown
UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_LABEL = r"[a-z][A-Za-z_-]*(?:[0-9]{1,2}[A-Za-z_-]*)?"  # of a topic: no account number has so few digits
_WORD = r"[a-z][a-z-]*"

_ID = re.compile(UUID)
_EVENT_ID = re.compile(rf"{UUID}(?:\.[0-9]{{1,6}}){{0,2}}")  # a part of a long list has .<number>
_TOPIC = re.compile(rf"v2(?:\.(?:{_LABEL}|\{{[A-Za-z]{{1,20}}\}}|{UUID}))+")
_SOURCE = re.compile(
    rf"aws\.partner/genesys\.com(?:\.{_WORD})*/cloud/{UUID}(?:/[A-Za-z0-9._-]{{1,64}})?|{_WORD}(?:\.{_WORD}){{2,}}"
)
# As `interactions archive-replay` names a replay.
_REPLAY = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,43}-[0-9]{8}T[0-9]{6,12}")
_TIME = re.compile(
    r"20[0-9]{2}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_EPOCH = re.compile("[0-9]{13}")
EPOCH_MILLISECONDS = range(1_420_070_400_000, 2_208_988_800_000)
"""2015 to 2039. No telephone number of a country that has thirteen digits is among them."""

DETAIL_TYPES = frozenset({"conversation.end", "Conversation Update"})
"""The detail-types that are no topics: those of two published tutorials."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


WORDS = {
    "mediaType": _words(
        "unknown voice call chat email callback cobrowse video screenshare message internalmessage screenmonitoring"
    ),
    "direction": _words("unknown inbound outbound"),
    "disconnectType": _words(
        "unknown endpoint client system transfer error peer other spam timeout transportfailure conferencetransfer "
        "consulttransfer forwardtransfer noanswer noanswertransfer notavailable notavailabletransfer "
        "transferconference transferconsult transferforward transfernoanswer transfernotavailable uncallable "
        "dndendpoint dndtransfer inactivity sessionexpired takeover"
    ),
    "type": _words(
        "update updated start started end ended conversationupdate conversationupdated conversationstart "
        "conversationstarted conversationend conversationended"
    ),
}
"""The words of Genesys's enumerations and of the tutorials' `type`: in lower case, without separators."""
_SEPARATORS = re.compile(r"[ .:_-]")


def is_id(value: Any) -> bool:
    """Return whether a value is a UUID, in its 8-4-4-4-12 form."""
    return _fits(_ID, value)


def is_event_id(value: Any) -> bool:
    """Return whether a value is a UUID, or a UUID with the number of a part of a list."""
    return _fits(_EVENT_ID, value)


def is_topic(value: Any) -> bool:
    """Return whether a value is written as a topic of Genesys's, with `{id}` or a UUID for each id in it."""
    return _fits(_TOPIC, value)


def is_detail_type(value: Any) -> bool:
    """Return whether a value is a topic, or one of DETAIL_TYPES."""
    return is_topic(value) or (isinstance(value, str) and value in DETAIL_TYPES)


def is_source(value: Any) -> bool:
    """Return whether a value is Genesys's partner source of an organisation, or three words and more with dots."""
    return _fits(_SOURCE, value)


def is_replay_name(value: Any) -> bool:
    """Return whether a value is a name that `interactions archive-replay` gives a replay."""
    return _fits(_REPLAY, value)


def is_word(field: str, value: Any) -> bool:
    """Return whether a value is a known word of that field, in whatever spelling (`NO_ANSWER_TRANSFER`)."""
    return isinstance(value, str) and len(value) <= MAX_TEXT and _letters(value) in WORDS[field]


def is_time(value: Any) -> bool:
    """Return whether a value is a time of 2015 to 2039: epoch milliseconds, as text, too, or a date and time of day."""
    if isinstance(value, str) and _EPOCH.fullmatch(value):
        value = int(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return math.isfinite(value) and int(value) in EPOCH_MILLISECONDS
    return _fits(_TIME, value) and _year(value) in range(2015, 2040)


def withheld(value: Any) -> Any:
    """Return what is shown instead of a value: its kind and length; a value that tells nothing is returned as it is."""
    match value:
        case None | bool():
            return value
        case str():
            return {"withheld": "text", "length": len(value)}
        case list():
            return {"withheld": "list", "length": len(value)}
        case dict():
            return {"withheld": "object", "length": len(value)}
        case _:
            return {"withheld": "number"}


def _fits(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT and pattern.fullmatch(value) is not None


def _letters(word: str) -> str:
    return _SEPARATORS.sub("", word).lower() if word.isascii() else ""


def _year(text: str) -> int | None:
    try:
        return datetime.fromisoformat(text).year
    except ValueError:
        return None
