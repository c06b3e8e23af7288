"""What makes a record impossible.

PermanentError
└── UnreadableConversation    the answer is no object, or has no conversation id
"""

from __future__ import annotations

from tasks.errors import PermanentError


class UnreadableConversation(PermanentError):
    """Genesys's answer cannot be the details of a conversation; its other flaws only cost the field."""

    code = "unreadable-conversation"
