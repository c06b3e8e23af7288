"""The proxies of a sandbox from the side of the tests: where they are, and what they do wrong next."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import requests

from deployments.sandbox.processes import Child, free_port
from deployments.sandbox.servers import ROOT, answers, inherited
from tests.faults.rules import Rule

NAMES = ("aws", "genesys", "prefect", "bridge")  # `bridge` is the bridge's own way to Prefect


class Detours:
    """One process with a proxy on each way; a context manager."""

    def __init__(self, folder: Path) -> None:
        self._control = free_port()
        self._ports = {name: free_port() for name in NAMES}
        self._rules: dict[str, list[Rule]] = {name: [] for name in NAMES}
        self._command = [
            sys.executable,
            "-m",
            "tests.faults.proxy",
            str(self._control),
            *(f"{name}={port}" for name, port in self._ports.items()),
        ]
        self._log = folder / "logs/proxy.log"
        self.child: Child

    def __enter__(self) -> Self:
        environment = inherited() | {"PYTHONPATH": str(ROOT)}
        self.child = Child("proxy", self._command, environment, self._log)
        try:
            self.child.await_ready(lambda: answers(f"http://127.0.0.1:{self._control}/"), 60)
        except BaseException:
            self.child.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.child.stop()

    def to(self, name: str, url: str) -> str:
        """The address to use in place of a server's own."""
        parts = urlsplit(url)
        self._tell(name, upstream=[parts.hostname, parts.port])
        return parts._replace(netloc=f"127.0.0.1:{self._ports[name]}").geturl()

    @contextmanager
    def wrong(self, name: str, *rules: Rule) -> Iterator[None]:
        """Have one way do these things wrong, besides what it does already."""
        self._rules[name] += rules
        self._send_rules(name)
        try:
            yield
        finally:
            self._rules[name] = [rule for rule in self._rules[name] if all(rule is not r for r in rules)]
            self._send_rules(name)

    @contextmanager
    def down(self, name: str) -> Iterator[None]:
        """Refuse connections on one way, and cut those that are open."""
        self._tell(name, down=True)
        try:
            yield
        finally:
            self._tell(name, down=False)

    def _send_rules(self, name: str) -> None:
        self._tell(name, rules=[rule.plain() for rule in self._rules[name]])

    def done(self, name: str) -> dict[str, int]:
        """How often each wrong thing was done on one way."""
        return dict(self._tell(name)["done"])

    def _tell(self, name: str, **wanted: Any) -> dict[str, Any]:
        answer = requests.put(f"http://127.0.0.1:{self._control}/{name}", json=wanted, timeout=30)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told
