"""The warm worker's settings."""

from __future__ import annotations

from math import ceil
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class WorkerSettings(BaseSettings):
    """How the warm worker behaves; each field's environment variable is WORKER_ and its upper-case name."""

    model_config = SettingsConfigDict(env_prefix="WORKER_")

    heartbeat_seconds: int = Field(
        default=15, ge=1, description="Seconds between two heartbeats of the worker"
    )
    lost_seconds: float = Field(
        default=60.0,
        gt=0,
        description="Seconds without a heartbeat until others schedule its runs again; three heartbeats at least",
    )
    drain_seconds: float = Field(
        default=20.0, ge=0, description="Seconds that runs in hand have to end after SIGTERM"
    )
    poll_spacing: float = Field(
        default=0.2, ge=0, description="Least seconds between two polls, however many announcements come"
    )
    stuck_seconds: float = Field(
        default=75.0,
        gt=0,
        description="Seconds that a run may be Pending of which no worker says that it has it",
    )
    crashed_seconds: float = Field(
        default=60.0, gt=0, description="Seconds until a crashed run is scheduled again"
    )
    flow_packages: str = Field(
        default="flows",
        pattern=r"^[A-Za-z_][\w.]*(,[A-Za-z_][\w.]*)*$",
        description="Packages or modules whose flows are executed, separated by commas; any other is refused",
    )

    @model_validator(mode="after")
    def _lost_after_three_heartbeats(self) -> Self:
        if self.lost_seconds < 3 * self.heartbeat_seconds:
            raise ValueError(
                f"WORKER_LOST_SECONDS ({self.lost_seconds:g}) is less than three times WORKER_HEARTBEAT_SECONDS "
                f"({self.heartbeat_seconds}): workers that are well would count as gone"
            )
        return self

    @property
    def lost_beats(self) -> int:
        """The heartbeats that make `lost_seconds`."""
        return ceil(self.lost_seconds / self.heartbeat_seconds)
