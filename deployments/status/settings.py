"""The settings of `status`: where to look, and from when on something is wrong."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from deployments.inspect.lookup import TableName
from tasks.settings import Settings


class StatusThresholds(BaseSettings):
    """From when on something is wrong: what depends on how a stack and its schedules were set up."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    status_oldest_message: float = Field(
        default=900.0, gt=0, description="Seconds that a message may be in the buffer"
    )
    status_messages: int = Field(default=5_000, ge=1, description="Messages in the buffer that are too many")
    status_reconcile_age: float = Field(
        default=7200.0, gt=0, description="Seconds since the last completed reconcile that are too many"
    )
    status_publish_lag: float = Field(
        default=3600.0, gt=0, description="Seconds that a staged conversation may wait for the tables"
    )


class StatusSettings(BaseSettings):
    """Where to look: what a worker has, and the buffer's URL; the tables must be named."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    interaction_table: TableName = Field(description="DynamoDB table of the records")
    quarantine_table: TableName = Field(description="DynamoDB table of rejected and failed events")
    budget_table: str | None = Field(default=None, description="DynamoDB table of the request counter")
    conversation_bucket: str | None = Field(default=None, description="S3 bucket of the conversations")
    analytics_database: str | None = Field(default=None, description="Glue database of the tables")
    buffer_queue_url: str | None = Field(default=None, description="URL of the bridge's buffer")
    dead_letter_queue_url: str | None = Field(default=None, description="URL of the dead-letter queue")
    aws_credentials_block: str | None = Field(default=None, description="Block of the AWS credentials")
    live_deployment: str = Field(
        default=Settings.model_fields["live_deployment"].default, description="Deployment of live events"
    )
    budget_window: float = Field(
        default=Settings.model_fields["budget_window"].default, gt=0, description="Seconds of the window"
    )
    budget_margin: float = Field(
        default=Settings.model_fields["budget_margin"].default, ge=0, description="Seconds added to it"
    )
