"""The part of Prefect's REST API that deploy and verify need; it imports no Prefect."""

from __future__ import annotations

import base64
import os
from typing import Any

import requests

from infra.errors import PrefectApiError

UNREACHABLE = "is the server up, the address right, and PREFECT_API_KEY set?"


class Prefect:
    """Prefect's API at an address; the key comes from PREFECT_API_KEY or PREFECT_API_AUTH_STRING."""

    def __init__(self, url: str, timeout: float = 10.0) -> None:
        self.url, self.timeout = url.rstrip("/"), timeout
        self.session = requests.Session()
        self.session.headers.update(_authorization())

    def deployment(self, name: str) -> dict[str, Any]:
        """Return the deployment of this name, flow/deployment; raises PrefectApiError, status 404 without one."""
        found: dict[str, Any] = self.call("GET", f"/deployments/name/{name}")
        return found

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Return the response's JSON, None for an empty one; raises PrefectApiError with the address and the status."""
        try:
            answer = self.session.request(method, self.url + path, json=body, timeout=self.timeout)
        except requests.RequestException as error:
            raise PrefectApiError(f"no answer from {self.url}: {type(error).__name__}") from error
        if not answer.ok:
            text = f"{self.url}{path} answered {answer.status_code}"
            raise PrefectApiError(text, answer.status_code, _seconds(answer.headers.get("retry-after")))
        return answer.json() if answer.content else None


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() else None


def _authorization() -> dict[str, str]:
    if key := os.environ.get("PREFECT_API_KEY"):
        return {"Authorization": f"Bearer {key}"}
    if pair := os.environ.get("PREFECT_API_AUTH_STRING"):
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    return {}
