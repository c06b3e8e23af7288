"""The variables in `.sandbox/env`, by which any client can use a running sandbox."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Addresses:
    """Addresses, names and dummy credentials of a sandbox; each field is the environment variable of its name.

    The name of the analytics' database is empty where nothing can be published: the extra is not installed.
    """

    prefect_api_url: str
    prefect_ui_url: str
    aws_endpoint_url: str
    aws_default_region: str
    aws_access_key_id: str
    aws_secret_access_key: str
    event_bus: str
    event_source: str
    interaction_table: str
    quarantine_table: str
    budget_table: str
    directory_table: str
    conversation_bucket: str
    analytics_database: str
    buffer_queue_url: str
    dead_letter_queue_url: str
    genesys_login_url: str
    genesys_api_url: str
    genesys_client_id: str
    genesys_client_secret: str
    customer_keys_secret: str

    def environment(self) -> dict[str, str]:
        """The variables, value by name."""
        return {name.upper(): str(value) for name, value in asdict(self).items()}

    @classmethod
    def read(cls, path: Path) -> Addresses:
        """Return what `write` wrote."""
        pairs = (line.partition("=") for line in path.read_text().splitlines())
        return cls(**{name.lower(): shlex.split(value)[0] for name, _, value in pairs})

    def write(self, path: Path) -> None:
        """Write a file that a shell can source: `set -a; . .sandbox/env`."""
        lines = [f"{name}={shlex.quote(value)}" for name, value in self.environment().items()]
        path.write_text("\n".join(lines) + "\n")
