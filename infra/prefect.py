"""The little of Prefect's REST API that deploying and verifying need, without Prefect itself."""

from __future__ import annotations

import base64
import os
from typing import Any

import requests

from infra.errors import NoAnswer

UNREACHABLE = "is the server up, the address right, and PREFECT_API_KEY set?"


class Prefect:
    """Prefect's API at an address; the key comes from PREFECT_API_KEY or PREFECT_API_AUTH_STRING."""

    def __init__(self, url: str, timeout: float = 10.0) -> None:
        self.url, self.timeout = url.rstrip("/"), timeout
        self.session = requests.Session()
        self.session.headers.update(_authorization())

    def deployment(self, name: str) -> dict[str, Any]:
        """Return a deployment by flow/deployment; raises NoAnswer when it does not exist."""
        found: dict[str, Any] = self.call("GET", f"/deployments/name/{name}")
        return found

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Return the answer's JSON; raises NoAnswer that names the address and what came back."""
        try:
            answer = self.session.request(method, self.url + path, json=body, timeout=self.timeout)
        except requests.RequestException as error:
            raise NoAnswer(f"no answer from {self.url}: {type(error).__name__}") from error
        if not answer.ok:
            raise NoAnswer(f"{self.url}{path} answered {answer.status_code}", answer.status_code)
        return answer.json() if answer.content else None


def _authorization() -> dict[str, str]:
    if key := os.environ.get("PREFECT_API_KEY"):
        return {"Authorization": f"Bearer {key}"}
    if pair := os.environ.get("PREFECT_API_AUTH_STRING"):
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    return {}
