"""What a bridge needs to post to Prefect: an address; an API destination also a deployment's id and a plain key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from infra.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    import boto3

PLAIN_KEY = re.compile(r"[!#-\[\]-~]+")  # ASCII without spaces, quotes and backslashes


def check_destination(values: Mapping[str, str]) -> None:
    """Raise InvalidInput when the bridge would not, or an API destination could not, post to the Prefect API."""
    url = urlsplit(values.get("PrefectApiUrl", ""))
    in_the_open = url.scheme != "https" and url.hostname not in {"127.0.0.1", "localhost"}
    if in_the_open and values.get("PrefectSecretArn"):
        raise InvalidInput(
            "--prefect-api-url is plain http and --prefect-secret-arn is set: a key goes over https only"
        )
    if values.get("Bridge") != "api-destination":
        return
    if in_the_open:
        raise InvalidInput(
            "an API destination posts to https addresses only: give --prefect-api-url https://..."
        )
    if not values.get("DeploymentId"):
        raise InvalidInput("an API destination cannot look a deployment up by its name: give --deployment-id")


def check_plain_key(session: boto3.Session, values: Mapping[str, str]) -> list[str]:
    """Raise InvalidInput when the secret is not a plain API key: the connection sends its text as it is.

    Returns a warning when the secret cannot be read from here. No text has any of the secret.
    """
    arn = values["PrefectSecretArn"]
    if values["Bridge"] != "api-destination" or not arn:
        return []
    try:
        text = session.client("secretsmanager").get_secret_value(SecretId=arn).get("SecretString", "")
    except ClientError as error:
        code = error.response["Error"]["Code"]
        return [f"{arn} could not be read ({code}): it has to be a plain API key, not JSON"]
    if not PLAIN_KEY.fullmatch(text) or text.startswith("{"):
        raise InvalidInput(
            "--prefect-secret-arn: with an API destination the secret is a plain API key, without JSON, quotes, spaces "
            "or line ends, because its text is sent as it is. Put such a key into the secret, or use --bridge lambda"
        )
    return []
