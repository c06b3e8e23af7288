"""A process that gives messages to the bridge's handler, as AWS's event source mapping does.

AWS delivers up to BatchSize messages at once, 2,000 in the template; the emulator at most ten, so the benchmark
calls the handler itself.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from tests.benchmarks.competitor_process import serve_bursts
from tests.support.event_source_mapping import EventSourceMapping

BATCH_SIZE = 2000
_TIMEOUT = 3600.0  # seconds; the benchmark ends sooner


def main() -> None:
    """Deliver bursts."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "infra" / "bridge"))
    mapping = EventSourceMapping(importlib.import_module("handler").handler, BATCH_SIZE)
    serve_bursts(lambda texts: mapping.deliver(texts, _TIMEOUT))


if __name__ == "__main__":
    main()
