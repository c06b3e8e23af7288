"""The bridge's settings: environment variables, checked once per process."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit


class ConfigurationError(Exception):
    """A setting is missing or bad; the message names the variable and the next step, never a secret."""


@dataclass(frozen=True)
class Configuration:
    """What the bridge is told; each field is the environment variable of its upper-case name.

    `prefect_api_url` ends with /api (Prefect Cloud: with the workspace's path). `prefect_secret_arn` names
    the secret with the API key; without one no key is sent. `max_parameter_bytes` stays below both known
    limits: 524,288 of the server, and 512,000 should Prefect Cloud count in thousands. `request_timeout` is
    in seconds.
    """

    prefect_api_url: SplitResult
    prefect_secret_arn: str
    deployment_name: str
    dead_letter_queue_url: str
    max_events: int
    max_parameter_bytes: int
    max_waiting_runs: int
    request_timeout: float


def configuration(environment: Mapping[str, str] = os.environ) -> Configuration:
    """Return the settings; raise ConfigurationError for the first variable at fault."""
    secret = environment.get("PREFECT_SECRET_ARN", "").strip()
    return Configuration(
        prefect_api_url=_url(environment.get("PREFECT_API_URL", ""), carries_a_key=bool(secret)),
        prefect_secret_arn=secret,
        deployment_name=_deployment(environment.get("DEPLOYMENT_NAME") or "process-interactions/live"),
        dead_letter_queue_url=environment.get("DEAD_LETTER_QUEUE_URL", "").strip(),
        max_events=_whole(environment, "MAX_EVENTS", default=1000, least=1, most=10_000),
        max_parameter_bytes=_whole(
            environment, "MAX_PARAMETER_BYTES", default=500_000, least=1000, most=524_288
        ),
        max_waiting_runs=_whole(environment, "MAX_WAITING_RUNS", default=50, least=0, most=100_000),
        request_timeout=_whole(environment, "REQUEST_TIMEOUT", default=10, least=1, most=900),
    )


def _url(text: str, *, carries_a_key: bool) -> SplitResult:
    text = text.strip().rstrip("/")
    try:
        url = urlsplit(text)
        complete = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
        complete = complete and text.isascii() and text.isprintable() and not set(text) & set(" \\")
    except ValueError:
        complete = False
    if not complete:
        raise ConfigurationError("PREFECT_API_URL is not an http(s) address; give one that ends with /api")
    if url.username is not None or url.query or url.fragment:
        raise ConfigurationError(
            "PREFECT_API_URL holds credentials, a query or a fragment; give the key in PREFECT_SECRET_ARN"
        )
    if carries_a_key and url.scheme != "https" and not _is_loopback(url.hostname or ""):
        raise ConfigurationError(
            "PREFECT_API_URL is plain http and PREFECT_SECRET_ARN is set: "
            "a key goes over https only, give an https address"
        )
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _deployment(name: str) -> str:
    flow, slash, deployment = name.partition("/")
    if not (flow and slash and deployment) or "/" in deployment:
        raise ConfigurationError("DEPLOYMENT_NAME is not of the form flow-name/deployment-name")
    return name


def _whole(environment: Mapping[str, str], name: str, *, default: int, least: int, most: int) -> int:
    text = environment.get(name, "").strip() or str(default)
    if not (text.isascii() and text.isdigit() and least <= int(text[:12]) <= most):
        raise ConfigurationError(f"{name} is not a whole number from {least} to {most}")
    return int(text)
