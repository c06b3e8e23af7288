"""Every setting of the pipeline, read from the environment once per process.

A bad or missing value fails at start and names the variable. Units are in the descriptions. The variables of
`.sandbox/env` are exactly these names, so `set -a; . .sandbox/env` configures everything.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Annotated, Any

from pydantic import (
    AliasChoices,
    Field,
    NonNegativeFloat,
    SecretStr,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from tasks.values import canonical_id

RENAMED = {
    "SETTLE_DELAYS": "DEFERRAL_DELAYS",
    "SETTLE_EVERY": "DEFERRAL_INTERVAL",
    "SETTLE_PATIENCE": "DEFERRAL_LIMIT",
    "STORE_PATIENCE": "STORE_RETRY_LIMIT",
    "ERASE_AGAIN_AFTER": "ERASE_FOLLOW_UP_AFTER",
    "LOST_WORKER_LIMIT": "CRASH_LOOP_LIMIT",
    "REVIVE_AFTER": "ABANDONED_AFTER",
}
"""Variables by their names before version 0.2, and what they are called now."""


KeysSecret = Annotated[SecretStr, Field(min_length=32)]
"""A secret that cannot be guessed: who guesses it can try all telephone numbers."""


class TaskPolicy(BaseSettings):
    """Retries and time-outs of tasks and flows; every field has a default."""

    model_config = SettingsConfigDict(extra="ignore")

    retry_scale: float = Field(
        default=1.0, ge=0, description="Factor of every task retry delay; 0 in tests, so that no test sleeps"
    )
    task_timeout: float = Field(
        default=300.0,
        gt=0,
        description="Seconds that a task may take; above the longest request: two tries, each with a wait for a "
        "permit (90) and an answer (35), and a wait between them (30)",
    )
    flow_timeout: float = Field(
        default=900.0, gt=0, description="Seconds that a run of process-interactions may take"
    )
    background_timeout: float = Field(
        default=6 * 3600, gt=0, description="Seconds that a replay or a reconcile may take"
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

    # An error names the variable and quotes no value, which may be a secret. A variable that is set to nothing is
    # not set.
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
    genesys_organization_id: str | None = Field(
        default=None,
        description="The organisation's id: an event whose source names another one is rejected; any when not set",
    )
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
    genesys_connect_timeout: float = Field(
        default=5.0, gt=0, le=10, description="Seconds to connect, at most 10"
    )
    genesys_read_timeout: float = Field(
        default=30.0,
        gt=0,
        le=45,
        description="Seconds to wait for an answer, at most 45: a request ends before its permit leaves the minute",
    )
    genesys_max_wait: float = Field(
        default=30.0,
        ge=0,
        description="Longest Retry-After that a request waits for, in seconds; beyond it the interactions are deferred",
    )
    genesys_retry_delay: float = Field(
        default=1.0, ge=0, description="Seconds before the second try when Genesys names no wait"
    )
    genesys_email_attribute: str | None = Field(
        default=None,
        description="Participant attribute that holds the customer's e-mail address, if any; costs a request each",
    )

    customer_keys_secret: KeysSecret | None = Field(
        default=None,
        description="Secret of at least 32 characters for the keys by which a customer's e-mail addresses and numbers "
        "are found, the same for all workers and for ever; without it rows get no keys",
    )

    # The request limit, shared by all workers
    budget_table: str = Field(default="", description="DynamoDB table of the shared request counter")
    budget_window: float = Field(
        default=60.0, gt=0, description="Seconds of the request limit's window (Genesys: 60)"
    )
    budget_margin: float = Field(
        default=1.0,
        ge=0,
        description="Seconds added to the window, in which an answer is to come; a later one costs a second write, "
        "which holds its permit for a window from the answer on",
    )
    budget_max_wait: float = Field(
        default=90.0,
        ge=0,
        description="Seconds that a request waits for a permit; beyond it the interactions are deferred",
    )

    limit_cache: float = Field(
        default=10.0, ge=0, description="Seconds that a limit read from Prefect is taken as unchanged"
    )

    # The stores
    interaction_table: str = Field(description="DynamoDB table of the records")
    quarantine_table: str = Field(description="DynamoDB table of rejected and failed events")
    conversation_bucket: str | None = Field(
        default=None, description="S3 bucket of the whole conversations; they are not stored without one"
    )
    staging_grace: float = Field(
        default=86400.0,
        gt=0,
        description="Seconds that publish waits for the row of a staged conversation; at least twice TASK_TIMEOUT, and "
        "longer than any run may take",
    )
    directory_table: str = Field(
        default="",
        description="DynamoDB table of the names of users, queues, wrap-up codes and divisions; no names without it",
    )
    directory_days: int = Field(
        default=30, ge=1, description="Days that a name is kept before Genesys is asked for it anew"
    )
    directory_unknown: float = Field(
        default=2 * 86400, gt=0, description="Seconds for which an id without a name is not asked for again"
    )
    directory_cache: float = Field(
        default=3600.0, ge=1, description="Seconds that a worker takes a name as unchanged"
    )
    directory_wait: float = Field(
        default=5.0,
        ge=0,
        description="Seconds that a chunk waits for names; what has none by then is saved without",
    )
    analytics_database: str | None = Field(
        default=None, description="Glue database of the analytics tables; nothing is published without one"
    )
    retention_days: int | None = Field(
        default=None, ge=1, description="Days until a record expires (DynamoDB TTL); never without it"
    )
    conversation_days: int | None = Field(
        default=None,
        ge=1,
        description="Days for which the analytics tables keep a whole conversation after it began; as long as its "
        "record without it",
    )
    quarantine_days: int = Field(default=90, ge=1, description="Days until a quarantine row expires")
    service_level_seconds: int = Field(
        default=20,
        ge=1,
        description="Seconds in which a visit to a queue is to be answered, for the service level in SQL",
    )
    store_concurrency: int = Field(default=16, ge=1, description="Concurrent DynamoDB writes per process")

    dead_letter_queue_url: str | None = Field(
        default=None,
        description="URL of the bridge's dead-letter queue; reconcile emits an event when it grows",
    )

    # Deferral: when an interaction is asked for again
    deferral_delays: Annotated[tuple[NonNegativeFloat, ...], NoDecode] = Field(
        default=(60, 120, 300, 900, 3600),
        description="Seconds until an interaction that is not settled is asked for again, by attempt",
    )
    deferral_interval: float = Field(default=4 * 3600, gt=0, description="Seconds between later attempts")
    deferral_limit: float = Field(default=24 * 3600, gt=0, description="Seconds after which waiting ends")
    confirm_after: float = Field(
        default=900,
        ge=0,
        description="Seconds until a settled interaction is asked for once more, of which two answers leave a doubt: "
        "of one second, or the later with an earlier end or with less in it",
    )
    throttle_max_defer: float = Field(
        default=3600, gt=0, description="Longest deferral for a Retry-After, in seconds"
    )
    store_retry_delay: float = Field(
        default=60.0, ge=0, description="Seconds until a run whose store is down is tried again"
    )
    store_retry_limit: float = Field(
        default=24 * 3600, gt=0, description="Seconds after which a run whose store is down gives up"
    )
    erase_follow_up_after: float | None = Field(
        default=None,
        ge=0,
        description="Seconds until the follow-up of an erasure; without it a minute more than any run may take "
        "(BACKGROUND_TIMEOUT, or four times FLOW_TIMEOUT if that is longer)",
    )
    tombstone_days: int | None = Field(
        default=None, ge=1, description="Days until an erasure's tombstone expires; never without it"
    )
    overdue_after: float = Field(
        default=900.0, ge=0, description="Seconds past its due time until reconcile asks for an interaction"
    )
    unsettled_after: float = Field(
        default=24 * 3600, gt=0, description="Seconds until reconcile asks again for what is not settled"
    )
    recheck_after: float = Field(
        default=72 * 3600,
        ge=0,
        description="Seconds after the end of a settled interaction of messages or mail until reconcile asks again",
    )
    recheck_interval: float = Field(
        default=7 * 86400, gt=0, description="Seconds between that request and the next, and so on"
    )
    recheck_limit: float = Field(
        default=31 * 86400,
        ge=0,
        description="Seconds after the end of an interaction at which these requests stop",
    )
    reconcile_lookback: int = Field(
        default=3,
        ge=0,
        description="Midnights before the interval at which reconcile looks for conversations that spanned them",
    )
    objective_completeness: float = Field(
        default=99.9,
        gt=0,
        le=100,
        description="Percent of the conversations that ended OBJECTIVE_COMPLETENESS_WITHIN seconds ago or earlier "
        "which are to have a row when reconcile looks",
    )
    objective_completeness_within: float = Field(
        default=2 * 3600,
        ge=0,
        description="Seconds after its end within which a conversation is to have its row",
    )
    objective_end_to_row: float = Field(
        default=180.0,
        gt=0,
        description="Seconds from a conversation's end to its row, for 95 of 100: the stack's SettleSeconds and 120",
    )
    job_span: float = Field(
        default=86_400.0,
        gt=0,
        description="Seconds of an interval that reconcile asks for with one details job",
    )
    job_page_size: int = Field(
        default=500,
        ge=1,
        le=1000,
        description="Conversations per page of a details job's results (Genesys: up to 1,000 seen, unconfirmed)",
    )
    job_poll_interval: float = Field(
        default=10.0, gt=0, description="Seconds between two requests for the state of a details job"
    )
    job_timeout: float = Field(
        default=3600.0, gt=0, description="Seconds that a details job may take until the run is rescheduled"
    )
    crash_loop_limit: int = Field(
        default=3,
        ge=0,
        description="Times that a run is executed again after its worker died, before its interactions are quarantined",
    )
    abandoned_after: float = Field(
        default=1200.0,
        gt=0,
        description="Seconds in one state after which reconcile schedules a run again; above FLOW_TIMEOUT",
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

    @model_validator(mode="before")
    @classmethod
    def _no_former_names(cls, values: Any) -> Any:
        """A former name that is still set would be ignored silently, and a default would hold in its place."""
        former = [f"{old} is called {new} now" for old, new in RENAMED.items() if os.environ.get(old)]
        if former:
            raise ValueError(f"{'; '.join(former)}: rename the variable")
        return values

    @field_validator("genesys_organization_id")
    @classmethod
    def _organization(cls, value: str | None) -> str | None:
        # A wrong id would reject every event.
        if value is not None and canonical_id(value) is None:
            raise ValueError("is no organisation's id (a UUID): `interactions verify` shows it")
        return canonical_id(value)

    @field_validator("queue_ids")
    @classmethod
    def _queues(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        # An invalid queue id would filter out every interaction.
        found = tuple(queue_id for each in value if (queue_id := canonical_id(each)))
        if len(found) < len(value):
            raise ValueError("holds something that is no queue's id (a UUID); names are not ids")
        return found

    @field_validator("deferral_delays", "queue_ids", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return (
            [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        )


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The process's settings; raises pydantic's ValidationError, which names each variable at fault."""
    return Settings()


def value_of(name: str) -> Any:
    """Return one setting of the environment, whatever the others are; its default where its own value is wrong."""
    field = Settings.model_fields[name]
    fields: Any = {name: (field.annotation, field)}
    try:
        return getattr(create_model("Alone", __base__=BaseSettings, **fields)(), name)
    except ValidationError:
        return field.default


@lru_cache(maxsize=1)
def task_policy() -> TaskPolicy:
    """The process's task policy."""
    return TaskPolicy()
