"""A process counts its own AWS calls when the folder `counting` is on its PYTHONPATH."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.aws_calls import FILE, read_calls

ROOT = Path(__file__).parents[2]
# The answer comes from a hook of botocore in the place of a server.
PROGRAM = """
import io
import boto3
from botocore.awsrequest import AWSResponse

class Raw(io.BytesIO):
    def stream(self, **_):
        yield self.read()

client = boto3.client("dynamodb", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
answers = [(200, b"{}"), (400, b'{"__type": "ConditionalCheckFailedException"}')]

def answer(request, **_):
    status, body = answers.pop(0)
    return AWSResponse(request.url, status, {}, Raw(body))

client.meta.events.register("before-send", answer)
client.get_item(TableName="rows", Key={"id": {"S": "a"}}, ConsistentRead=True)
try:
    client.put_item(TableName="rows", Item={"id": {"S": "abc"}}, ConditionExpression="attribute_not_exists(id)")
except client.exceptions.ConditionalCheckFailedException:
    print("refused")
"""


def run(file: Path, **environment: str) -> str:
    """Run the program and return what it prints."""
    known = os.environ | {"PYTHONPATH": f"{ROOT / 'tests/benchmarks/counting'}:{ROOT}"} | environment
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", PROGRAM],
        env=known,
        cwd=file.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_call_is_counted_and_its_error_still_raised(tmp_path: Path) -> None:
    """A read and a refused write are a line each; the program sees the same answers as without counting."""
    file = tmp_path / "calls"
    assert run(file, **{FILE: str(file)}) == "refused"
    assert read_calls(file) == [
        {"service": "dynamodb", "operation": "GetItem", "attempts": 1, "writes": [], "reads": [[True, 0]]},
        {
            "service": "dynamodb",
            "operation": "PutItem",
            "attempts": 1,
            "writes": [["rows", 5, ["id"]]],
            "reads": [],
        },
    ]


def test_without_the_variable_nothing_is_counted(tmp_path: Path) -> None:
    """The folder alone changes nothing."""
    file = tmp_path / "calls"
    assert run(file) == "refused"
    assert read_calls(file) == []
