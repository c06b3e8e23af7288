"""The bridge's settings: environment variables, checked once in each process."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit


class ConfigurationError(Exception):
    """A setting is missing or invalid; the text names the variable and what to give, never a secret."""


@dataclass(frozen=True)
class Configuration:
    """The settings; each field is the environment variable of its name in upper case.

    `prefect_api_url` ends with /api (Prefect Cloud: with the workspace's path). `prefect_secret_arn` names the secret
    with the API key; without it no key is sent. The default of `max_parameter_bytes` is below the limit of the server,
    524,288, and below 512,000, in case Prefect Cloud means 512 kB. `request_timeout` is in seconds. The watch reads
    `buffer_queue_url` and `budget_table`; `stack_name` is the dimension of every metric.
    """

    prefect_api_url: SplitResult
    prefect_secret_arn: str
    deployment_name: str
    dead_letter_queue_url: str
    buffer_queue_url: str
    budget_table: str
    stack_name: str
    max_events: int
    max_parameter_bytes: int
    max_waiting_runs: int
    request_timeout: float


def configuration(environment: Mapping[str, str] = os.environ) -> Configuration:
    """Return the settings; raise ConfigurationError for the first invalid variable."""
    secret = environment.get("PREFECT_SECRET_ARN", "").strip()
    return Configuration(
        prefect_api_url=_url(environment.get("PREFECT_API_URL", ""), has_key=bool(secret)),
        prefect_secret_arn=secret,
        deployment_name=_deployment(environment.get("DEPLOYMENT_NAME") or "process-interactions/live"),
        dead_letter_queue_url=environment.get("DEAD_LETTER_QUEUE_URL", "").strip(),
        buffer_queue_url=environment.get("BUFFER_QUEUE_URL", "").strip(),
        budget_table=environment.get("BUDGET_TABLE", "").strip(),
        stack_name=environment.get("STACK_NAME", "").strip() or "interactions",
        max_events=_integer(environment, "MAX_EVENTS", default=2000, minimum=1, maximum=10_000),
        max_parameter_bytes=_integer(
            environment, "MAX_PARAMETER_BYTES", default=500_000, minimum=1000, maximum=524_288
        ),
        max_waiting_runs=_integer(environment, "MAX_WAITING_RUNS", default=50, minimum=0, maximum=100_000),
        request_timeout=_integer(environment, "REQUEST_TIMEOUT", default=10, minimum=1, maximum=900),
    )


def _url(text: str, *, has_key: bool) -> SplitResult:
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
    if has_key and url.scheme != "https" and not _is_loopback(url.hostname or ""):
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


def _integer(environment: Mapping[str, str], name: str, *, default: int, minimum: int, maximum: int) -> int:
    text = environment.get(name, "").strip() or str(default)
    if not (text.isascii() and text.isdigit() and minimum <= int(text[:12]) <= maximum):
        raise ConfigurationError(f"{name} is not a whole number from {minimum} to {maximum}")
    return int(text)
