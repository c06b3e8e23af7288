"""Every setting of the pipeline, read from the environment once per process.

A bad or missing value fails at start and names the variable. Units are in the descriptions. The variables of
`.sandbox/env` are exactly these names, so `set -a; . .sandbox/env` configures everything.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

from pydantic import AliasChoices, Field, NonNegativeFloat, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from tasks.events.shapes import canonical_id


class TaskPolicy(BaseSettings):
    """What is fixed when a task or flow is defined; all have defaults, so that any import works."""

    model_config = SettingsConfigDict(extra="ignore")

    retry_scale: float = Field(
        default=1.0, ge=0, description="Multiplies every task retry delay; 0 in tests: no test sleeps"
    )
    task_timeout: float = Field(
        default=300.0,
        gt=0,
        description="Seconds a task may take; above a request's worst: two tries, each with its turn (90, 35), "
        "and a wait (30)",
    )
    flow_timeout: float = Field(default=900.0, gt=0, description="Seconds a flow run may take")
    background_timeout: float = Field(
        default=6 * 3600, gt=0, description="Seconds that a replay or a reconcile may take: they work slowly"
    )


class BlockNames(BaseSettings):
    """Prefect blocks that fill what the environment lacks, as `type/name`; all of them are optional."""

    model_config = SettingsConfigDict(extra="ignore")

    genesys_credentials_block: str | None = Field(
        default=None, description="Block of the Genesys OAuth client: genesys-credentials/<name>"
    )
    aws_credentials_block: str | None = Field(
        default=None, description="Block of the AWS credentials: aws-credentials/<name>"
    )
    conversation_bucket_block: str | None = Field(
        default=None, description="Block of the conversations' bucket: s3-bucket/<name>"
    )

    @property
    def any(self) -> bool:
        """Whether any block is named."""
        return any(self.model_dump().values())


class Settings(BaseSettings):
    """The pipeline's configuration; each field's environment variable is its upper-case name."""

    # An error names the variable as it is set, and repeats no value: the one beside it may be a secret. A
    # variable that is set to nothing is not set.
    model_config = SettingsConfigDict(
        extra="ignore",
        populate_by_name=True,
        alias_generator=str.upper,
        hide_input_in_errors=True,
        env_ignore_empty=True,
    )

    # Genesys Cloud
    genesys_client_id: str = Field(description="OAuth client id (client credentials grant)")
    genesys_client_secret: SecretStr = Field(description="OAuth client secret")
    genesys_region: str = Field(
        default="mypurecloud.com",
        validation_alias=AliasChoices("GENESYS_REGION", "GENESYS_ENV"),
        description="Region: an AWS region name (us-east-1) or a Genesys domain (mypurecloud.com)",
    )
    genesys_login_url: str | None = Field(
        default=None, description="Overrides https://login.<domain>; loopback or a Genesys host only"
    )
    genesys_api_url: str | None = Field(
        default=None, description="Overrides https://api.<domain>; loopback or a Genesys host only"
    )
    genesys_batch_size: int = Field(
        default=100, ge=1, le=100, description="Conversation ids per details request (Genesys: unconfirmed)"
    )
    genesys_connect_timeout: float = Field(default=5.0, gt=0, description="Seconds to connect")
    genesys_read_timeout: float = Field(default=30.0, gt=0, description="Seconds to wait for an answer")
    genesys_max_wait: float = Field(
        default=30.0,
        ge=0,
        description="Longest Retry-After that is slept on, in seconds; beyond it, deferred",
    )
    genesys_retry_delay: float = Field(
        default=1.0, ge=0, description="Seconds before the second try when Genesys names no wait"
    )
    genesys_email_attribute: str | None = Field(
        default=None,
        description="Participant attribute that holds the customer's e-mail address, if any; costs a request each",
    )

    # The request budget
    budget_table: str = Field(default="", description="DynamoDB table of the shared request counter")
    budget_window: float = Field(
        default=60.0, gt=0, description="Seconds of the request limit's window (Genesys: 60)"
    )
    budget_margin: float = Field(
        default=8.0,
        ge=0,
        description="Seconds added to the window, for requests still on their way: a turn's two, connecting (5)",
    )
    budget_max_wait: float = Field(
        default=90.0, ge=0, description="Longest wait for a request's turn, in seconds; beyond it, deferred"
    )

    limit_cache: float = Field(
        default=10.0, ge=0, description="Seconds that a limit read from Prefect is taken as unchanged"
    )

    # The stores
    interaction_table: str = Field(description="DynamoDB table of the records")
    quarantine_table: str = Field(description="DynamoDB table of rejected and failed events")
    conversation_bucket: str | None = Field(
        default=None, description="S3 bucket of the whole conversations; nothing is archived without one"
    )
    retention_days: int | None = Field(
        default=None, ge=1, description="Days until a record expires (DynamoDB TTL); kept for ever without it"
    )
    quarantine_days: int = Field(default=90, ge=1, description="Days until a quarantine row expires")
    store_concurrency: int = Field(default=16, ge=1, description="Concurrent DynamoDB writes per process")

    dead_letter_queue_url: str | None = Field(
        default=None, description="SQS queue of the bridge's dead letters; reconcile tells when it grows"
    )

    # Patience
    settle_delays: Annotated[tuple[NonNegativeFloat, ...], NoDecode] = Field(
        default=(60, 120, 300, 900, 3600),
        description="Seconds until an interaction that is not settled is asked for again, by attempt",
    )
    settle_every: float = Field(default=4 * 3600, gt=0, description="Seconds between later attempts")
    settle_patience: float = Field(default=24 * 3600, gt=0, description="Seconds after which waiting ends")
    throttle_max_defer: float = Field(
        default=3600, gt=0, description="Longest deferral for a Retry-After, in seconds"
    )
    store_retry_delay: float = Field(
        default=60.0, ge=0, description="Seconds until a run whose store is down is tried again"
    )
    store_patience: float = Field(
        default=24 * 3600, gt=0, description="Seconds after which a run whose store is down gives up"
    )
    erase_again_after: float | None = Field(
        default=None,
        ge=0,
        description="Seconds until an erasure is done once more; without it a flow's time-out and a minute",
    )
    tombstone_days: int | None = Field(
        default=None, ge=1, description="Days until an erasure's tombstone expires; it stays without it"
    )
    overdue_after: float = Field(
        default=900.0, ge=0, description="Seconds past its due time until reconcile asks for an interaction"
    )
    unsettled_after: float = Field(
        default=24 * 3600, gt=0, description="Seconds until reconcile asks again for what is not settled"
    )
    reconcile_lookback: int = Field(
        default=3, ge=0, description="Midnights that a conversation may span and be found by its end's hours"
    )
    lost_worker_limit: int = Field(
        default=3, ge=0, description="Times a run is started again after its worker died; then quarantine"
    )
    revive_after: float = Field(
        default=1200.0,
        gt=0,
        description="Seconds Running after which reconcile takes a run for dead; above FLOW_TIMEOUT",
    )
    chunks_in_flight: int = Field(default=5, ge=1, description="Chunks of one run processed at once")
    chunks_written: int = Field(default=4, ge=1, description="Chunks written at once by one process")

    live_deployment: str = Field(
        default="process-interactions/live", description="Deployment that deferred interactions go back to"
    )

    # After the fetch
    queue_ids: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Keep only interactions that touched one of these queues; all when empty"
    )

    @field_validator("queue_ids")
    @classmethod
    def _queues(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        # No interaction touches a queue that is none: each would be passed over, and nobody would know why.
        found = tuple(queue_id for each in value if (queue_id := canonical_id(each)))
        if len(found) < len(value):
            raise ValueError("holds something that is no queue's id (a UUID); names are not ids")
        return found

    @field_validator("settle_delays", "queue_ids", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return (
            [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        )


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The process's settings; raises pydantic's ValidationError, which names each variable at fault."""
    return Settings()


@lru_cache(maxsize=1)
def task_policy() -> TaskPolicy:
    """The process's task policy."""
    return TaskPolicy()
