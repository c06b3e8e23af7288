"""The aid that lets Prefect's transactions on SQLite wait for each other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from deployments.sandbox.servers import ROOT, inherited
from tests.integration.writers_storm import WAITING


def test_a_transaction_finds_a_second_connection_however_many_wait_for_it(tmp_path: Path) -> None:
    """More transactions wait than Prefect's pool has connections, and all of them are made."""
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "tests.integration.writers_storm", str(tmp_path / "storm.db")],
        env=inherited() | {"PREFECT_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == str(WAITING), done.stderr[-2000:]
