"""No output of the bridge contains a secret: neither its log nor its response nor its exceptions."""

from __future__ import annotations

import base64
import logging
import traceback
from collections.abc import Iterator
from typing import Any

import boto3
import handler as bridge
import pytest

from tests.support.bridge_messages import customer_end, records
from tests.support.fake_prefect import FakePrefect

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
def secret(
    emulator: str,
    aws_environment: None,  # noqa: ARG001 - the clients' environment
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[str]:
    """Return the ARN of the bridge's secret, in the emulator's Secrets Manager."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", AWS_KEY)
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", f"{emulator}/000000000000/no-such-queue")
    client = boto3.client("secretsmanager")
    name = f"prefect-{abs(hash(request.node.name))}"
    arn = client.create_secret(Name=name, SecretString=SECRETS[request.param])["ARN"]
    monkeypatch.setenv("PREFECT_SECRET_ARN", arn)
    bridge.bridge.cache_clear()
    yield arn
    bridge.bridge.cache_clear()
    client.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)


def invoke(prefect_url: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the bridge's response to SQS, and the traceback of a manual invocation that fails."""
    monkeypatch.setenv("PREFECT_API_URL", prefect_url)
    shown = [str(bridge.handler(records(customer_end(1), customer_end(2))))]
    try:
        shown.append(str(bridge.handler(customer_end(3))))
    except bridge.NotAccepted as refused:
        shown += traceback.format_exception(refused)
    return shown


@pytest.mark.parametrize("secret", SECRETS, indirect=True)
def test_no_failure_reveals_the_secret(
    secret: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Requests are refused, redirected, cut off or unanswered, with a secret that is well formed or not."""
    caplog.set_level(logging.INFO)
    shown: list[str] = [secret]
    for fault in FAULTS:
        fake = FakePrefect()
        fake.faults.extend([fault] * 20)
        with fake.serving() as prefect:
            shown += invoke(prefect.url, monkeypatch)
        bridge.bridge.cache_clear()
    shown += invoke("http://127.0.0.1:9/api", monkeypatch)
    out, err = capfd.readouterr()
    assert out.count('"batch delivered"') == 2 * (len(FAULTS) + 1)
    text = "\n".join([*shown, out, err, caplog.text, repr(bridge.bridge())])
    encoded = base64.b64encode(PASSWORD.encode()).decode()
    assert [each for each in (KEY, PASSWORD, encoded, AWS_KEY, "Bearer ", "Basic ") if each in text] == []
