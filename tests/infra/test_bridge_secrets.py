"""The bridge's own words hold no secret, whatever fails: its log, its answer and what it raises."""

from __future__ import annotations

import base64
import logging
import traceback
from collections.abc import Iterator
from typing import Any

import boto3
import handler as bridge
import pytest

from tests.infra.bridge_messages import customer_end, records
from tests.infra.fake_prefect import FakePrefect

KEY = "pnu_a-key-that-must-not-leak"
PASSWORD = "admin:a-password-that-must-not-leak"
AWS_KEY = "an-aws-key-that-must-not-leak"
SECRETS = {
    "a key": KEY,
    "a key in JSON": f'{{"api_key": "{KEY}"}}',
    "a password": f'{{"auth_string": "{PASSWORD}"}}',
    "a key with a line break": f"{KEY}\nX-More: {KEY}",
    "a key that is not ASCII": f"{KEY}\u00e9",
    "half of JSON": f'{{"api_key": "{KEY}',
    "a list in JSON": f'{{"api_key": ["{KEY}"]}}',
    "another name in JSON": f'{{"apiKey": "{KEY}"}}',
}
FAULTS: list[Any] = [401, 403, 500, 502, 307, 422, "drop", "page", "half"]


@pytest.fixture
def secret(emulator: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the name of a secret that the bridge is told of, in the emulator's Secrets Manager."""
    for name, value in {
        "AWS_ENDPOINT_URL": emulator,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": AWS_KEY,
        "DEAD_LETTER_QUEUE_URL": f"{emulator}/000000000000/no-such-queue",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("secretsmanager")
    name = f"prefect-{abs(hash(request.node.name))}"
    arn = client.create_secret(Name=name, SecretString=SECRETS[request.param])["ARN"]
    monkeypatch.setenv("PREFECT_SECRET_ARN", arn)
    bridge.bridge.cache_clear()
    yield arn
    bridge.bridge.cache_clear()
    client.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)


def invoke(prefect_url: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the bridge answers to a queue, and what it raises to a person, for Lambda to print."""
    monkeypatch.setenv("PREFECT_API_URL", prefect_url)
    told = [str(bridge.handler(records(customer_end(1), customer_end(2))))]
    try:
        told.append(str(bridge.handler(customer_end(3))))
    except bridge.NotAccepted as refused:
        told += traceback.format_exception(refused)
    return told


@pytest.mark.parametrize("secret", SECRETS, indirect=True)
def test_no_failure_tells_the_secret(
    secret: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Refused, redirected, cut off or unreachable, with a secret that is well formed or not."""
    caplog.set_level(logging.INFO)
    told: list[str] = [secret]
    for fault in FAULTS:
        fake = FakePrefect()
        fake.faults.extend([fault] * 20)
        with fake.serving() as prefect:
            told += invoke(prefect.url, monkeypatch)
        bridge.bridge.cache_clear()
    told += invoke("http://127.0.0.1:9/api", monkeypatch)
    out, err = capfd.readouterr()
    assert out.count('"batch delivered"') == 2 * (len(FAULTS) + 1)
    text = "\n".join([*told, out, err, caplog.text, repr(bridge.bridge())])
    encoded = base64.b64encode(PASSWORD.encode()).decode()
    assert [each for each in (KEY, PASSWORD, encoded, AWS_KEY, "Bearer ", "Basic ") if each in text] == []
