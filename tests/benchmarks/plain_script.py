"""The floor: the same requests and writes by a plain script, without durability or reports."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tasks.values import chunked
from tests.benchmarks.competitor_process import serve_bursts
from tests.benchmarks.work import Work

BATCH = 100  # interactions of a request
AT_ONCE = 5  # batches in flight, as many as the pipeline has


def main() -> None:
    """Serve bursts."""
    work = Work()

    def chunk(texts: Sequence[str]) -> None:
        work.save(work.fetch(work.validate(texts)), "floor")

    def burst(texts: list[str]) -> None:
        with ThreadPoolExecutor(AT_ONCE) as chunks:
            list(chunks.map(chunk, chunked(texts, BATCH)))

    serve_bursts(burst)


if __name__ == "__main__":
    main()
