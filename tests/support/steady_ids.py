"""The same ids in every run of a test: the simulator derives a conversation from its id, so it is the same one, too."""

from __future__ import annotations

import os
import uuid
from random import Random

import pytest


@pytest.fixture(autouse=True)
def steady_ids(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw `uuid.uuid4` from the test's name, and from TEST_SEED to try other conversations."""
    dice = Random(f"{os.environ.get('TEST_SEED', '')}/{request.node.nodeid}")
    monkeypatch.setattr(uuid, "uuid4", lambda: uuid.UUID(int=dice.getrandbits(128), version=4))
