"""The AWS that a command asks, and what its errors mean for the person at the terminal."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.exceptions import BotoCoreError

from deployments.errors import NoServer
from infra.errors import check_endpoints, explain
from tasks.errors import PipelineError


def session(credentials_block: str | None) -> Any:
    """Return boto3, or a session with the credentials of a Prefect block (`aws-credentials/<name>`).

    Raises InvalidInput for a bad AWS_ENDPOINT_URL, and NoServer for a block without a server.
    """
    check_endpoints()
    if credentials_block is None:
        return boto3
    # Prefect is slow to import, and a block is rarely named.
    from deployments.prefect_server import wrap_server_errors  # noqa: PLC0415
    from tasks import blocks  # noqa: PLC0415

    try:
        with wrap_server_errors():
            return blocks.aws()
    except NoServer as error:
        raise NoServer(f"AWS_CREDENTIALS_BLOCK names a block of Prefect's, but {error}") from error


def reason(error: PipelineError) -> str:
    """Return the error's text, and what to do when botocore's error behind a store's error says so."""
    if not isinstance(error.__context__, BotoCoreError):
        return str(error)
    explanation = explain(error.__context__, flags=False)
    return str(explanation) if explanation.bad_input else f"{error}; {explanation}"
