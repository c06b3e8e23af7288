"""Opening the analytics tables of the settings for a question."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from deployments.aws import session
from deployments.errors import BadValue, CommandError
from tasks.settings import Settings
from tasks.stores import s3
from tasks.stores.errors import wrap_aws_errors

if TYPE_CHECKING:
    from tasks.lake.asking.query import Asker

_EXTRA = ("pyiceberg", "pyarrow", "duckdb")


class AnalyticsSettings(BaseSettings):
    """The settings that a question needs: where the tables are, and none of Genesys."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    analytics_database: str | None = Field(default=None, description="Glue database of the analytics tables")
    conversation_bucket: str | None = Field(default=None, description="S3 bucket of the tables' files")
    service_level_seconds: int = Field(
        default=Settings.model_fields["service_level_seconds"].default,
        ge=1,
        description="Seconds in which a visit to a queue is to be answered",
    )
    aws_credentials_block: str | None = Field(default=None, description="Block of the AWS credentials")


def open_analytics(settings: AnalyticsSettings, *, reveal: bool) -> Asker:
    """Return who answers questions about the tables and views. Raises CommandError: they are off or not installed."""
    if missing := [name for name in _EXTRA if find_spec(name) is None]:
        raise CommandError(f"not installed: {', '.join(missing)}; `pip install .[analytics]` brings them")
    database = _given(settings.analytics_database, "ANALYTICS_DATABASE", "AnalyticsDatabaseName")
    bucket = _given(settings.conversation_bucket, "CONVERSATION_BUCKET", "ConversationBucketName")
    # The extra takes half a second to import, and the other commands do not need it.
    from tasks.lake.asking.query import Asker  # noqa: PLC0415
    from tasks.lake.catalog import Lake, glue_client  # noqa: PLC0415
    from tasks.lake.views import views  # noqa: PLC0415

    aws: Any = session(settings.aws_credentials_block)
    glue = glue_client(aws)
    _check(glue, database)
    lake = Lake(glue, s3.client(4, aws), bucket, database)
    return Asker(lake.existing, views(settings.service_level_seconds), reveal=reveal)


def _check(glue: Any, database: str) -> None:
    """Raise BadValue when there is no such database: every table would seem to have no rows."""
    with wrap_aws_errors(f"database {database}"):
        try:
            glue.get_database(Name=database)
        except glue.exceptions.EntityNotFoundException:
            raise BadValue(f"Glue has no database {database} here: correct ANALYTICS_DATABASE") from None


def _given(value: str | None, variable: str, output: str) -> str:
    if not value:
        raise BadValue(
            f"analytics are off: {variable} is not set. `interactions outputs` says it as {output}; "
            "for a sandbox: `set -a; . .sandbox/env`"
        )
    return value
