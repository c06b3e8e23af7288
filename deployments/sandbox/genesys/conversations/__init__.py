"""The simulator's conversations: analytics details derived from a conversation id and a start time."""

from typing import Any

Json = dict[str, Any]
