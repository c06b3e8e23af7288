"""The warm worker's settings."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class WorkerSettings(BaseSettings):
    """How the warm worker behaves; each field's environment variable is WORKER_ and its upper-case name."""

    model_config = SettingsConfigDict(env_prefix="WORKER_")

    heartbeat_seconds: float = Field(default=30.0, gt=0, description="Seconds between a run's heartbeats")
    drain_seconds: float = Field(
        default=20.0, ge=0, description="Seconds that runs in hand have to end after SIGTERM"
    )
    poll_spacing: float = Field(
        default=0.2, ge=0, description="Least seconds between two polls, however many announcements come"
    )
    stuck_seconds: float = Field(
        default=75.0,
        gt=0,
        description="Seconds that a run of the pool may be Pending before it is scheduled again",
    )
    flow_packages: str = Field(
        default="flows",
        pattern=r"^[A-Za-z_][\w.]*(,[A-Za-z_][\w.]*)*$",
        description="Packages or modules whose flows are executed, separated by commas; any other is refused",
    )
