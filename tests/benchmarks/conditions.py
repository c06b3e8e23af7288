"""The conditions under which the figures were measured."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from tests.benchmarks.feeder import BATCH_SIZE

_PACKAGES = ("prefect", "ministack", "boto3", "dbos")


def conditions(durable_store: str) -> dict[str, str]:
    """Return the conditions by name."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}",
        "versions": ", ".join(f"{name} {_version(name)}" for name in _PACKAGES),
        "bridge": f"its handler gets up to {BATCH_SIZE} messages at once, as AWS does (BatchSize); the emulator "
        "delivers ten. Only the single events go through the emulator's bus, queue and Lambda.",
        "stores": "one conditional write for each interaction, no bucket unless the row says S3",
        "CPU": "user and system time of its own process trees; Prefect's server or Postgres apart and in the ratios; "
        "emulator and simulator in none",
        "DBOS": durable_store,
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"
