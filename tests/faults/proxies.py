"""The proxies of a sandbox as the tests use them: addresses to route through, and rules to set."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import requests

from deployments.sandbox.processes import Child, free_port
from deployments.sandbox.servers import ROOT, inherited_environment, responds
from tests.faults.proxy_rules import Rule

NAMES = ("aws", "genesys", "prefect", "bridge")  # `bridge` is between the bridge and Prefect


class Proxies:
    """One process with a proxy for each name; a context manager."""

    def __init__(self, folder: Path) -> None:
        self._control = free_port()
        self._ports = {name: free_port() for name in NAMES}
        self._rules: dict[str, list[Rule]] = {name: [] for name in NAMES}
        self._command = [
            sys.executable,
            "-m",
            "tests.faults.proxy_process",
            str(self._control),
            *(f"{name}={port}" for name, port in self._ports.items()),
        ]
        self._log = folder / "logs/proxy.log"
        self.child: Child

    def __enter__(self) -> Self:
        environment = inherited_environment() | {"PYTHONPATH": str(ROOT)}
        self.child = Child("proxy", self._command, environment, self._log)
        try:
            self.child.wait_until_ready(lambda: responds(f"http://127.0.0.1:{self._control}/"), 60)
        except BaseException:
            self.child.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.child.stop()

    def route(self, name: str, url: str) -> str:
        """Let a proxy stand in front of a server; return the address to use in place of the server's own."""
        parts = urlsplit(url)
        self._set(name, upstream=[parts.hostname, parts.port])
        return parts._replace(netloc=f"127.0.0.1:{self._ports[name]}").geturl()

    @contextmanager
    def rules(self, name: str, *rules: Rule) -> Iterator[None]:
        """Apply rules in one proxy, besides those that it applies already."""
        self._rules[name] += rules
        self._send_rules(name)
        try:
            yield
        finally:
            self._rules[name] = [rule for rule in self._rules[name] if all(rule is not r for r in rules)]
            self._send_rules(name)

    @contextmanager
    def down(self, name: str) -> Iterator[None]:
        """Refuse connections in one proxy, and cut those that are open."""
        self._set(name, down=True)
        try:
            yield
        finally:
            self._set(name, down=False)

    def _send_rules(self, name: str) -> None:
        self._set(name, rules=[rule.as_json() for rule in self._rules[name]])

    def applied(self, name: str) -> dict[str, int]:
        """Return how often one proxy has applied a rule, by action."""
        return dict(self._set(name)["applied"])

    def _set(self, name: str, **settings: Any) -> dict[str, Any]:
        answer = requests.put(f"http://127.0.0.1:{self._control}/{name}", json=settings, timeout=30)
        answer.raise_for_status()
        state: dict[str, Any] = answer.json()
        return state
