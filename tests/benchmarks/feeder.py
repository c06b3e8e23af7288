"""The bridge's handler in a process of its own, given the buffer's messages as AWS gives them.

AWS hands over up to BatchSize messages at once, 2,000 as the template has it, and again what came back; the
emulator never more than ten, so the benchmark calls the handler itself.
"""

from __future__ import annotations

import importlib
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from tests.benchmarks.events import parts
from tests.benchmarks.player import play

RECORDS = 2000
_BACK = 0.5  # seconds until what came back is given again; a visibility time-out stands for it


def main() -> None:
    """Take bursts."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "infra" / "bridge"))
    handler = importlib.import_module("handler").handler

    def deliver(names: dict[str, str]) -> set[str]:
        records = [{"messageId": k, "body": v, "eventSource": "aws:sqs"} for k, v in names.items()]
        answer: dict[str, Any] = handler({"Records": records})
        return {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}

    def burst(texts: list[str]) -> None:
        waiting = {str(uuid.uuid4()): text for text in texts}
        while waiting:
            for names in parts(list(waiting), RECORDS):
                back = deliver({name: waiting[name] for name in names})
                for name in set(names) - back:
                    del waiting[name]
            if waiting:
                time.sleep(_BACK)

    play(burst)


if __name__ == "__main__":
    main()
