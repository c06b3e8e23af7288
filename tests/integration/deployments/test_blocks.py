"""Secrets from Prefect blocks: used where the environment has none, and shown nowhere."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Mapping

import pytest
import requests

from tests.support.preloaded import run_python
from tests.support.sandbox import SandboxDriver

SECRET = "a-secret-that-only-a-block-holds"
VARIABLES = (
    "GENESYS_CLIENT_ID",
    "GENESYS_CLIENT_SECRET",
    "CONVERSATION_BUCKET",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
)
_MAKE = """
import json, sys
from prefect_aws import AwsCredentials, S3Bucket
from tasks.blocks import GenesysCredentials
given = json.load(sys.stdin)
GenesysCredentials(**given["genesys"]).save("production", overwrite=True)
GenesysCredentials(**given["other"]).save("other", overwrite=True)
aws = AwsCredentials(**given["aws"])
aws.save("production", overwrite=True)
S3Bucket(bucket_name=given["bucket"], credentials=aws).save("conversations", overwrite=True)
"""
BLOCKS = {
    "GENESYS_CREDENTIALS_BLOCK": "genesys-credentials/production",
    "AWS_CREDENTIALS_BLOCK": "aws-credentials/production",
    "CONVERSATION_BUCKET_BLOCK": "s3-bucket/conversations",
}


def python(
    driver: SandboxDriver, *arguments: str, stdin: str = "", changes: Mapping[str, str | None] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run Python in the sandbox's environment with changes; None removes a variable."""
    known: dict[str, str | None] = {**driver.sandbox.environment(), **(changes or {})}
    return run_python(*arguments, environment=known, stdin=stdin)


@pytest.fixture(scope="module")
def without_environment() -> dict[str, str | None]:
    """Return changes that leave no secret in the environment, only the names of blocks."""
    return {**dict.fromkeys(VARIABLES), **BLOCKS}


@pytest.fixture
def blocks(driver: SandboxDriver) -> None:
    """Create the blocks, as in the UI."""
    at = driver.addresses
    given = {
        "genesys": {"client_id": at.genesys_client_id, "client_secret": at.genesys_client_secret},
        "other": {"client_id": "from-a-block", "client_secret": SECRET},
        "aws": {
            "aws_access_key_id": at.aws_access_key_id,
            "aws_secret_access_key": at.aws_secret_access_key,
            "region_name": at.aws_default_region,
            "aws_client_parameters": {"endpoint_url": at.aws_endpoint_url},
        },
        "bucket": at.conversation_bucket,
    }
    done = python(driver, "-c", _MAKE, stdin=json.dumps(given))
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.usefixtures("blocks")
def test_blocks_replace_what_the_environment_has_not(
    driver: SandboxDriver, without_environment: dict[str, str | None]
) -> None:
    """Without secrets in the environment the services work, inside an event loop too, and show no secret."""
    id_ = str(uuid.uuid4())
    done = python(driver, "-m", "tests.support.blocks_process", id_, changes=without_environment)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert (found["fetched"], found["row"]) == ([id_], None)
    assert found["client_id"] == driver.addresses.genesys_client_id
    assert found["bucket"] == driver.addresses.conversation_bucket
    assert driver.addresses.genesys_client_secret not in done.stdout + done.stderr


@pytest.mark.usefixtures("blocks")
def test_a_block_that_genesys_refuses_shows_no_secret(
    driver: SandboxDriver, without_environment: dict[str, str | None]
) -> None:
    """The error about a block's wrong secret names the client's id; the traceback has no secret in it."""
    changes = without_environment | {"GENESYS_CREDENTIALS_BLOCK": "genesys-credentials/other"}
    done = python(driver, "-m", "tests.support.blocks_process", str(uuid.uuid4()), changes=changes)
    assert "refused the OAuth client from-a-block" in done.stderr
    assert SECRET not in done.stdout + done.stderr


@pytest.mark.usefixtures("blocks")
def test_the_environment_takes_precedence(driver: SandboxDriver) -> None:
    """A variable that is set is used, and the block for it need not exist."""
    id_ = str(uuid.uuid4())
    missing = {"GENESYS_CREDENTIALS_BLOCK": "genesys-credentials/nobody-made-it"}
    done = python(driver, "-m", "tests.support.blocks_process", id_, changes=missing)
    assert json.loads(done.stdout)["client_id"] == driver.addresses.genesys_client_id


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("genesys-credentials/nobody-made-it", "there is no usable block"),
        ("secret/production", "must name a block as genesys-credentials/<name>"),
        ("genesys-credentials", "must name a block as genesys-credentials/<name>"),
    ],
)
def test_an_unusable_block_is_an_error_that_names_its_variable(
    driver: SandboxDriver, without_environment: dict[str, str | None], name: str, words: str
) -> None:
    """The last line of the error names the variable and the next step."""
    changes = without_environment | {"GENESYS_CREDENTIALS_BLOCK": name}
    done = python(driver, "-m", "tests.support.blocks_process", str(uuid.uuid4()), changes=changes)
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1
    assert "GENESYS_CREDENTIALS_BLOCK" in last
    assert words in last


@pytest.mark.usefixtures("blocks")
def test_the_api_shows_no_secret_of_a_block(driver: SandboxDriver) -> None:
    """The block type declares its secret field, and the API returns block documents obfuscated."""
    api = driver.addresses.prefect_api_url
    kind = requests.get(f"{api}/block_types/slug/genesys-credentials", timeout=60).json()
    query = {"block_schemas": {"block_type_id": {"any_": [kind["id"]]}}}
    fields = driver.api("/block_schemas/filter", query)[0]["fields"]
    assert set(fields["properties"]) == {"client_id", "client_secret", "region"}
    assert fields["secret_fields"] == ["client_secret"]
    documents = json.dumps(driver.api("/block_documents/filter", {}))
    assert "from-a-block" in documents
    assert SECRET not in documents
