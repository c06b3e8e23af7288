"""The warm worker's loader against deployments that want other code executed beside the Genesys secret."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import DeploymentResponse

from deployments.worker.flow_loader import FlowLoader, FlowRefused
from deployments.worker.settings import WorkerSettings

OURS = "flows.process_interactions.process_interactions"
THIEF = """
import os, pathlib
from prefect import flow
pathlib.Path({loot!r}).write_text(os.environ["GENESYS_CLIENT_SECRET"])

@flow
async def process_interactions(events: list[str]) -> None:
    pass
"""
SHELL = {"prefect.deployments.steps.run_shell_script": {"script": "env"}}


class Server:
    """The part of Prefect's client that the loader uses: it returns one deployment."""

    def __init__(self, **of: Any) -> None:
        self.deployment = DeploymentResponse(id=uuid4(), name="live", flow_id=uuid4(), **of)

    async def read_deployment(self, _: Any) -> DeploymentResponse:
        """Return the deployment."""
        return self.deployment

    async def load(self, loader: FlowLoader, **of: Any) -> Any:
        """Load the flow of a run of the deployment."""
        run = FlowRun(flow_id=self.deployment.flow_id, deployment_id=self.deployment.id, **of)
        return await loader.load(cast("PrefectClient", self), run)


@pytest.fixture
def thief(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that can be imported from, with flows that write the secret to `loot` when they are."""
    code = THIEF.format(loot=str(tmp_path / "loot"))
    for name in ("thief.py", "flows_of_others.py", "flows/process_interactions.py", "inner/thief.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(code)
    (tmp_path / "inner" / "__init__.py").touch()
    monkeypatch.setenv("GENESYS_CLIENT_SECRET", "the-secret")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loader() -> FlowLoader:
    """Return a loader as a worker of the product has it."""
    return FlowLoader(WorkerSettings().flow_packages)


CASES: dict[str, dict[str, Any]] = {
    "a file": {"entrypoint": "thief.py:process_interactions"},
    "an absolute file": {"entrypoint": "{folder}/thief.py:process_interactions"},
    "a file above": {"entrypoint": "../thief.py:process_interactions"},
    "a file with the name of ours": {"entrypoint": "flows/process_interactions.py:process_interactions"},
    "another module": {"entrypoint": "thief.process_interactions"},
    "a module in a package": {"entrypoint": "inner.thief.process_interactions"},
    "a package that begins as ours does": {"entrypoint": "flows_of_others.process_interactions"},
    "a module above": {"entrypoint": "flows..thief.process_interactions"},
    "a relative module": {"entrypoint": ".thief.process_interactions"},
    "a module after ours": {"entrypoint": "flows.process_interactions,thief.process_interactions"},
    "a module and a function": {"entrypoint": "thief:process_interactions"},
    "nothing": {},
    "an empty entrypoint": {"entrypoint": ""},
    "a path": {"entrypoint": OURS, "path": "{folder}"},
    "a relative path": {"entrypoint": OURS, "path": "inner"},
    "a path above": {"entrypoint": OURS, "path": ".."},
    "a path that ends where it begins": {"entrypoint": OURS, "path": "./inner/.."},
    "a bucket": {"entrypoint": OURS, "path": "s3://elsewhere/code"},
    "pull steps": {"entrypoint": OURS, "pull_steps": [SHELL]},
    "a storage block": {"entrypoint": OURS, "storage_document_id": uuid4()},
    "an infrastructure block": {"entrypoint": OURS, "infrastructure_document_id": uuid4()},
    "variables": {"entrypoint": OURS, "job_variables": {"env": {"PYTHONPATH": "{folder}"}}},
    "a command": {"entrypoint": OURS, "job_variables": {"command": "env"}},
}


@pytest.mark.parametrize("case", CASES)
async def test_a_deployment_of_other_code_is_refused_before_anything_is_imported(
    thief: Path, case: str
) -> None:
    """Whoever may make a deployment does not read GENESYS_CLIENT_SECRET by it, and the refusal names the deployment."""
    of = {
        name: value.format(folder=thief) if isinstance(value, str) else value
        for name, value in CASES[case].items()
    }
    before = set(sys.modules)
    with pytest.raises(FlowRefused, match="'live'"):
        await Server(**of).load(loader())
    assert not (thief / "loot").exists()
    assert {
        name for name in set(sys.modules) - before if "thief" in name or name.startswith("flows")
    } == set()


async def test_a_run_with_variables_of_its_own_is_refused() -> None:
    """A run cannot change the environment of the process that it shares."""
    with pytest.raises(FlowRefused, match="variables"):
        await Server(entrypoint=OURS).load(loader(), job_variables={"env": {"GENESYS_API_URL": "http://x"}})


async def test_a_run_without_a_deployment_is_refused() -> None:
    """A run of a flow that somebody called by hand names no code."""
    run = FlowRun(flow_id=uuid4())
    with pytest.raises(FlowRefused, match="no deployment"):
        await loader().load(cast("PrefectClient", Server()), run)


@pytest.mark.parametrize("name", ["os", "run_pipeline", "report", "absent"])
async def test_what_is_no_flow_of_ours_is_refused(name: str) -> None:
    """Another name of one of the project's modules is no flow."""
    with pytest.raises(FlowRefused, match="is no async flow"):
        await Server(entrypoint=f"flows.process_interactions.{name}").load(loader())


@pytest.mark.parametrize(
    "of",
    [
        {},
        {"path": "."},
        {"path": ""},
        {"pull_steps": []},
        {"job_variables": {}},
        {"job_variables": {"env": {}}},
    ],
)
async def test_the_projects_own_deployment_is_loaded(of: dict[str, Any]) -> None:
    """As `prefect deploy --all` makes it from prefect.yaml."""
    flow = await Server(entrypoint=OURS, **of).load(loader(), job_variables=None)
    assert flow.name == "process-interactions"
    assert os.environ.get("GENESYS_CLIENT_SECRET") is None
