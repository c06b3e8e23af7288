"""A process that creates one flow run for each event through Prefect's API."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import requests

from tests.benchmarks.competitor_process import serve_bursts

_AT_ONCE = 4


def main() -> None:
    """Serve bursts."""
    session = requests.Session()
    url = f"{os.environ['PREFECT_API_URL']}/deployments/{os.environ['BENCHMARK_DEPLOYMENT']}/create_flow_run"

    def create(text: str) -> None:
        session.post(url, json={"parameters": {"text": text}}, timeout=60).raise_for_status()

    def burst(texts: list[str]) -> None:
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            list(threads.map(create, texts))

    serve_bursts(burst)


if __name__ == "__main__":
    main()
