"""What can go wrong in a command of the deployments.

CommandError     an expected failure: its text is for the user at the terminal, the exit code is 2
├── NoServer     no Prefect server is named, the name is no address, or the server does not answer
├── NoDeployment Prefect knows no such deployment
├── NoBlock      there is no such notification block
└── BadValue     a flag, or a variable that the command reads, cannot be used
"""

from __future__ import annotations


class CommandError(Exception):
    """An expected failure; the text says what is wrong and what to do next."""


class NoServer(CommandError):
    """There is no Prefect server to talk to."""


class NoDeployment(CommandError):
    """Prefect knows no such deployment."""


class NoBlock(CommandError):
    """There is no such block, or it cannot notify."""


class BadValue(CommandError):
    """A flag or a variable cannot be used; the text names it."""
