"""Settings from Prefect blocks; the environment has precedence.

Three settings name blocks as `type/name`: GENESYS_CREDENTIALS_BLOCK (genesys-credentials/production),
AWS_CREDENTIALS_BLOCK (aws-credentials/production) and CONVERSATION_BUCKET_BLOCK (s3-bucket/conversations). A
block fills only what the environment lacks. No run, log or error shows a value.
"""

from __future__ import annotations

import os
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from prefect.blocks.abstract import CredentialsBlock
from prefect.blocks.core import Block
from prefect_aws import AwsCredentials, S3Bucket
from pydantic import Field, SecretStr

from tasks.errors import BadSettings
from tasks.settings import BlockNames, Settings

B = TypeVar("B", bound=Block)


class GenesysCredentials(CredentialsBlock):
    """The OAuth client (client credentials grant) that fetches conversations from Genesys Cloud."""

    _block_type_name = "Genesys Credentials"
    _block_type_slug = "genesys-credentials"
    _documentation_url = "https://developer.genesys.cloud/authorization/platform-auth/use-client-credentials"  # type: ignore[assignment]

    client_id: str = Field(
        title="OAuth client id", description="Of a client with the client credentials grant"
    )
    client_secret: SecretStr = Field(title="OAuth client secret", description="Kept encrypted by Prefect")
    region: str = Field(
        default="mypurecloud.com",
        title="Region",
        description="An AWS region name (us-east-1) or a Genesys domain (mypurecloud.com)",
    )

    def get_client(self, *_: Any, **__: Any) -> Any:
        """Not offered: the workers share one client and one request limit."""
        raise NotImplementedError("the workers make their own client, because they share one request limit")

    def settings(self) -> dict[str, Any]:
        """Return the settings that this block holds."""
        return {
            "genesys_client_id": self.client_id,
            "genesys_client_secret": self.client_secret,
            "genesys_region": self.region,
        }


class BlockUnusable(BadSettings):
    """A setting names a block that is missing, of another type, or cannot be used; says which and why."""


class Aws:
    """Makes clients as a boto3 session does, with an AWS block's credentials, region and endpoint."""

    def __init__(self, credentials: AwsCredentials) -> None:
        self._session = credentials.get_boto3_session()
        self._options = credentials.aws_client_parameters.get_params_override()

    def client(self, service: str, config: Config) -> Any:
        """Return a client; our own timeouts and retries override the block's."""
        options = dict(self._options)
        theirs = options.pop("config", None)
        make: Any = self._session.client  # the stubs know each service by name only
        return make(service, config=theirs.merge(config) if theirs else config, **options)


def configured(names: BlockNames | None = None) -> Settings:
    """Return the settings: from the environment, then from the blocks that it names."""
    names = names or BlockNames()
    given: dict[str, Any] = {}
    if names.genesys_credentials_block and not _all_set("GENESYS_CLIENT_ID", "GENESYS_CLIENT_SECRET"):
        given |= load(
            GenesysCredentials, names.genesys_credentials_block, "GENESYS_CREDENTIALS_BLOCK"
        ).settings()
    if (bucket := _bucket(names)) is not None:
        given["conversation_bucket"] = bucket.bucket_name
    return Settings(**{name: value for name, value in given.items() if not _set(name)})


def aws(names: BlockNames | None = None) -> Any:
    """Return what makes AWS clients: boto3 by its own rules (environment, profile, role), or the block's session."""
    names = names or BlockNames()
    if names.aws_credentials_block is None or _set("aws_access_key_id"):
        return boto3
    return Aws(_usable(load(AwsCredentials, names.aws_credentials_block, "AWS_CREDENTIALS_BLOCK")))


def aws_for_bucket(names: BlockNames | None = None) -> Any:
    """Return what makes the bucket's client: the credentials of the bucket's block, if it comes from one."""
    names = names or BlockNames()
    if _set("aws_access_key_id") or (bucket := _bucket(names)) is None:
        return aws(names)
    if not isinstance(bucket.credentials, AwsCredentials):
        raise BlockUnusable(
            "CONVERSATION_BUCKET_BLOCK: the bucket's credentials must be an AWS Credentials block"
        )
    return Aws(_usable(bucket.credentials))


def load(kind: type[B], slug_and_name: str, variable: str) -> B:
    """Return the block that a variable names. Raises BlockUnusable, which quotes names and no value."""
    slug, _, name = slug_and_name.partition("/")
    if slug != kind.get_block_type_slug() or not name:
        raise BlockUnusable(f"{variable} must name a block as {kind.get_block_type_slug()}/<name>")
    try:
        loading: Any = kind.load  # its signature hides `_sync`, without which an event loop gets a coroutine
        found: B = loading(name, _sync=True)
    except ValueError as error:
        raise BlockUnusable(
            f"{variable}: there is no usable block {slug_and_name}; make it in the Prefect UI under Blocks "
            "(`python -m deployments apply` adds the form)"
        ) from error
    return found


def _bucket(names: BlockNames) -> S3Bucket | None:
    if names.conversation_bucket_block is None or _set("conversation_bucket"):
        return None
    bucket = load(S3Bucket, names.conversation_bucket_block, "CONVERSATION_BUCKET_BLOCK")
    if bucket.bucket_folder:
        raise BlockUnusable("CONVERSATION_BUCKET_BLOCK: its bucket folder must be empty")
    return bucket


def _usable(credentials: AwsCredentials) -> AwsCredentials:
    if credentials.assume_role_arn:  # Prefect assumes it once, and the session ends after an hour
        raise BlockUnusable(
            "an AWS block that assumes a role cannot be used by a worker that runs for days: give the role to "
            "the worker's machine or task, or name an AWS profile that assumes it"
        )
    return credentials


def _set(name: str) -> bool:
    aliases = {"genesys_region": ("GENESYS_REGION", "GENESYS_ENV")}
    return any(os.environ.get(variable) for variable in aliases.get(name, (name.upper(),)))


def _all_set(*variables: str) -> bool:
    return all(os.environ.get(variable) for variable in variables)
