"""The worker's image, without Docker: its file, and its build's own commands run into an empty environment."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.image import copied

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "infra/Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
BUILD, RUNTIME = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]
CHECK = """
import json, sys
from importlib.metadata import entry_points
from importlib.util import find_spec
import deployments.worker.worker, flows.process_interactions, flows.publish_interactions
found = [name for name in ("deployments.sandbox", "tests", "ministack", "pytest") if find_spec(name)]
print(json.dumps([found, deployments.worker.worker.__file__, [*entry_points(group='prefect.collections').names]]))
"""


def instructions(stage: str, name: str) -> list[str]:
    """Return what follows an instruction in a stage, in order."""
    return [line.removeprefix(f"{name} ") for line in stage.splitlines() if line.startswith(f"{name} ")]


def test_the_base_is_one_image_by_its_digest() -> None:
    """Both stages are of the same base, which nobody can replace under its name."""
    arguments = dict(re.findall(r"^ARG (\w+)=(\S+)$", DOCKERFILE, flags=re.MULTILINE))
    bases = re.findall(r"^FROM \$\{(\w+)\}", DOCKERFILE, flags=re.MULTILINE)
    assert len(bases) == len(re.findall(r"^FROM", DOCKERFILE, flags=re.MULTILINE)) == 2
    (base,) = {arguments[name] for name in bases}
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim@sha256:[0-9a-f]{64}", base)


def test_nothing_unknown_is_installed() -> None:
    """Each installation is of wheels by their hashes, or of the project's own wheel without an index."""
    commands = re.findall(r"pip (?:install|wheel)[^&\n]*", DOCKERFILE)
    known = [each for each in commands if "--require-hashes --only-binary :all:" in each]
    own = [each for each in commands if "--no-deps --no-index" in each]
    assert len(known) == len(own) == 2
    assert len(commands) == 4


def test_the_image_holds_the_environment_and_no_source() -> None:
    """The last stage copies what was installed, runs no pip, and ends as a user without rights."""
    assert instructions(RUNTIME, "COPY") == ["--from=build /opt/venv /opt/venv"]
    assert "pip" not in RUNTIME
    assert instructions(RUNTIME, "USER") == ["worker"]


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_builds_commands_make_a_worker_without_the_sandbox(tmp_path: Path) -> None:
    """Run as they are, with other folders: the environment has the worker's type, and nothing for development."""
    source, venv = tmp_path / "source", tmp_path / "venv"
    for file in copied():
        target = source / file.relative_to(ROOT)
        if "sandbox" not in target.relative_to(source).parts:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "python")], check=True)  # noqa: S603 - the base's Python
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["PATH"] = f"{tmp_path}/python/bin:{environment['PATH']}"
    for command in instructions(BUILD, "RUN"):
        here = command.replace("/opt/venv", str(venv)).replace("/wheels", f"{tmp_path}/wheels")
        subprocess.run(["bash", "-ec", here], cwd=source, env=environment, check=True)  # noqa: S603, S607
    checked = subprocess.run(  # noqa: S603 - our own package
        [venv / "bin/python", "-c", CHECK],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found, file, types = json.loads(checked.stdout.splitlines()[-1])
    assert found == []
    assert file.startswith(str(venv))
    assert "interactions" in types
    help_of: list[str | Path] = [venv / "bin/prefect", "worker", "start", "--help"]
    subprocess.run(help_of, cwd=tmp_path, env=environment, capture_output=True, check=True)  # noqa: S603
