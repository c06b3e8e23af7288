"""What a worker with wrong settings says: a line for each, with the next step, and no value."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from itertools import islice

import pytest

from deployments.worker.readiness import pauses, until_ready
from deployments.worker.worker import InteractionsWorker
from tasks import services
from tasks.settings import settings, task_policy

GOOD = {
    "GENESYS_CLIENT_ID": "client",
    "GENESYS_CLIENT_SECRET": "what-nobody-may-read",
    "INTERACTION_TABLE": "interactions",
    "QUARANTINE_TABLE": "quarantine",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Return an environment with good settings only; what was made of it is forgotten afterwards."""
    caches = (services.get_services, settings, task_policy)
    for name in list(os.environ):
        if name.startswith(("GENESYS_", "INTERACTION_", "QUARANTINE_", "CONVERSATION_", "AWS_")):
            monkeypatch.delenv(name)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    for cache in caches:
        cache.cache_clear()
    yield monkeypatch
    for cache in caches:
        cache.cache_clear()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"INTERACTION_TABLE": ""}, ("INTERACTION_TABLE is not set", "`interactions outputs`")),
        ({"GENESYS_CLIENT_ID": ""}, ("GENESYS_CLIENT_ID is not set", "docs/deploy.md")),
        ({"DEFERRAL_INTERVAL": "secret-7"}, ("DEFERRAL_INTERVAL: ", "docs/settings.md")),
        ({"TASK_TIMEOUT": "secret-7"}, ("TASK_TIMEOUT: ", "docs/settings.md")),
        ({"SETTLE_EVERY": "secret-7"}, ("SETTLE_EVERY is called DEFERRAL_INTERVAL now", "rename")),
        ({"STAGING_GRACE": "1"}, ("STAGING_GRACE must be at least",)),
        ({"GENESYS_REGION": "secret-7.example"}, ("GENESYS_REGION",)),
        ({"GENESYS_CREDENTIALS_BLOCK": "secret-7", "GENESYS_CLIENT_ID": ""}, ("GENESYS_CREDENTIALS_BLOCK",)),
    ],
)
def test_wrong_settings_end_the_worker_with_a_line_each(
    lines: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    wrong: dict[str, str],
    words: tuple[str, ...],
) -> None:
    """Exit code 2; a table is not even asked for."""
    for name, value in wrong.items():
        lines.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        asyncio.run(until_ready(product=True))
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert [word for word in words if word not in line] == [], line


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"WORKER_HEARTBEAT_SECONDS": "secret-7"}, ("WORKER_HEARTBEAT_SECONDS: ", "docs/settings.md")),
        ({"WORKER_LOST_SECONDS": "44"}, ("WORKER_LOST_SECONDS (44)", "three times WORKER_HEARTBEAT_SECONDS")),
    ],
)
def test_wrong_settings_of_the_worker_itself_end_it_with_a_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    wrong: dict[str, str],
    words: tuple[str, ...],
) -> None:
    """Exit code 2 before it is a worker; heartbeats that are rarer than another's patience are such a setting."""
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        InteractionsWorker("pool")
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert [word for word in words if word not in line] == [], line
    assert "secret-7" not in line


def test_each_wrong_setting_has_its_line(
    lines: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever corrects them does it once."""
    lines.setenv("QUARANTINE_TABLE", "")
    lines.setenv("DEFERRAL_INTERVAL", "secret-7")
    with pytest.raises(SystemExit):
        asyncio.run(until_ready(product=True))
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 2
    assert "secret-7" not in said


def test_the_login_host_is_asked_in_growing_pauses() -> None:
    """It throttles, too; after five minutes at the most, for a secret may be put right at any time."""
    assert list(islice(pauses(), 8)) == [5, 10, 20, 40, 80, 160, 300, 300]
