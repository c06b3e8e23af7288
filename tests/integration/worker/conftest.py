"""One Prefect server for the worker's tests, each of which has a pool of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.prefect_server import PrefectServer, running_server


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """A running server, which ends with this folder: idle it uses 1.7 s of CPU a minute."""
    with running_server(tmp_path_factory.mktemp("prefect")) as server:
        yield server
