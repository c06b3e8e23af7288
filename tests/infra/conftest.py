"""Fixtures of the infrastructure's tests; also puts the bridge's folder on the path."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support.stack import aws, aws_environment, emulator, received, stack

# The modules of a Lambda's folder import each other by their bare names.
sys.path.insert(0, str(Path(__file__).parents[2] / "infra" / "bridge"))

from tests.support.bridge import bridge, prefect  # the import needs the path above

__all__ = ["aws", "aws_environment", "bridge", "emulator", "prefect", "received", "stack"]
