"""AWS's service models, read once in a process.

Each boto3 session has a loader of its own and parses the models of its services anew, 0.2 s of CPU; a test and each
command of it make a session each.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import botocore.session
import pytest


@pytest.fixture(scope="session", autouse=True)
def shared_service_models() -> Iterator[None]:
    """Give the sessions of this process one loader for each AWS_DATA_PATH."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))
        yield
