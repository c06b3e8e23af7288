"""The files of infra/cluster: what they name exists, and fits what the others name. Docker is not started."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from deployments.sandbox.servers import CLUSTER, cluster_settings
from tests.documents.markdown import document

PREFECT = cluster_settings()
COMPOSE: dict[str, Any] = yaml.safe_load((CLUSTER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {
    name: service for name, service in SERVICES.items() if "prefecthq/prefect" in service.get("image", "")
}


def test_the_settings_reach_the_services_of_the_compose_file() -> None:
    """Hosts are names of services; user, password and database are those that Postgres is made with."""
    database = urlsplit(PREFECT["PREFECT_API_DATABASE_CONNECTION_URL"])
    made = SERVICES[str(database.hostname)]["environment"]
    assert (database.username, database.password) == (made["POSTGRES_USER"], made["POSTGRES_PASSWORD"])
    assert database.path == f"/{made['POSTGRES_DB']}"
    for host in (
        PREFECT["PREFECT_REDIS_MESSAGING_HOST"],
        urlsplit(PREFECT["PREFECT_SERVER_DOCKET_URL"]).hostname,
    ):
        assert SERVICES[str(host)]["image"].startswith("redis:")


def test_prefects_services_have_the_settings_and_the_pinned_version() -> None:
    """Two versions on one database would migrate it under each other."""
    assert OURS.keys() == {"migrate", "api-1", "api-2", "services"}
    for service in OURS.values():
        assert service["env_file"] == "prefect.env"
        version = re.fullmatch(r"prefecthq/prefect:([\d.]+)-python3\.1[123]", service["image"])
        assert version
        assert version[1] == importlib.metadata.version("prefect")


@pytest.mark.parametrize("name", sorted(OURS))
def test_its_commands_exist(name: str) -> None:
    """Prefect's command line knows the command and each option."""
    words = OURS[name]["command"].split()
    options = [word for word in words if word.startswith("-")]
    command = [sys.executable, "-m", *words[: words.index(options[0]) if options else None], "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - ours
    assert [option for option in options if option not in shown] == []


def test_the_balancer_reaches_both_servers() -> None:
    """Every variable of the configuration is set, to a service and the port that Prefect listens on."""
    configuration = (CLUSTER / "haproxy.cfg").read_text(encoding="utf-8")
    balancer = SERVICES["haproxy"]["environment"]
    assert set(re.findall(r"\$\{(\w+)\}", configuration)) == balancer.keys()
    assert {balancer["API_1"], balancer["API_2"]} == {"api-1:4200", "api-2:4200"}
    assert SERVICES["haproxy"]["ports"] == ["127.0.0.1:4200:4200"]  # the address of PREFECT_SERVER_UI_API_URL
    assert SERVICES["api-1"]["environment"] == {"PREFECT_SERVER_UI_API_URL": "http://127.0.0.1:4200/api"}
    assert SERVICES["worker"]["environment"]["PREFECT_API_URL"] == "http://haproxy:4200/api"


def test_every_dependency_is_a_service_that_can_get_healthy() -> None:
    """`service_healthy` waits for ever for a service without a health check."""
    for service in SERVICES.values():
        depends = service.get("depends_on", {})
        for name in depends:
            assert name in SERVICES
            if isinstance(depends, dict) and depends[name]["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[name]


def test_the_documents_show_the_settings() -> None:
    """scaling.md has the file as it is; that each variable exists is what the documents' own tests say."""
    assert (CLUSTER / "prefect.env").read_text(encoding="utf-8") in document("scaling").text
