"""The floor: the same requests and the same writes by a plain script; nothing is durable, nothing is shown."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.benchmarks.events import parts
from tests.benchmarks.player import play
from tests.benchmarks.work import Work

BATCH = 100  # interactions of a request
AT_ONCE = 5  # batches in flight, as many as the pipeline has


def main() -> None:
    """Take bursts."""
    work = Work()

    def chunk(texts: Sequence[str]) -> None:
        work.save(work.fetch(work.validate(texts)), "floor")

    def burst(texts: list[str]) -> None:
        with ThreadPoolExecutor(AT_ONCE) as chunks:
            list(chunks.map(chunk, parts(texts, BATCH)))

    play(burst)


if __name__ == "__main__":
    main()
