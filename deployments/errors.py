"""What can go wrong in `python -m deployments`.

CommandError     an expected failure: its text is for the person at the terminal
├── NoServer     no Prefect server is named, the name is no address, or nobody answers there
├── NoBlock      there is no such notification block
└── BadValue     a flag, or a variable that the command reads, is out of range
"""

from __future__ import annotations


class CommandError(Exception):
    """An expected failure; the text says what is wrong and what to do next."""


class NoServer(CommandError):
    """There is no Prefect server to talk to."""


class NoBlock(CommandError):
    """There is no such block, or it notifies nobody."""


class BadValue(CommandError):
    """A flag or a variable cannot be used; the text names it."""
