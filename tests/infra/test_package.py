"""What is shipped: the wheel, and with it the image, hold the project without its sandbox."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from email import message_from_string
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import pytest

from tests.support.image import copied

ROOT = Path(__file__).parents[2]
DEVELOPMENT = ("deployments.sandbox", "tests")


def in_context(file: Path) -> bool:
    """Whether .dockerignore lets a file in: the last pattern that matches it or a folder above it decides."""
    path, included = PurePosixPath(file.as_posix()), True
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for pattern in (line for line in lines if line and not line.startswith("#")):
        if any(fnmatchcase(str(each), pattern.removeprefix("!")) for each in (path, *path.parents)):
            included = pattern.startswith("!")
    return included


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZipFile]:
    """The wheel, built without a network from a copy: a build leaves files in its folder."""
    source, wheels = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheels")
    for file in copied():
        target = source / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    build = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(wheels)]
    done = subprocess.run(  # noqa: S603 - our own package
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *build, str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = wheels.iterdir()
    with ZipFile(built) as opened:
        yield opened


def requirements(name: str) -> list[str]:
    """Return what a file of requirements asks for, without its comments."""
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def module_name(path: str) -> str:
    """Return the name of the module in a file of the wheel."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def is_development(module: str) -> bool:
    """Whether a module is the sandbox's or the tests'."""
    return any(module == name or module.startswith(f"{name}.") for name in DEVELOPMENT)


def imports(source: str) -> Iterator[str]:
    """Yield the absolute names that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{each.name}" for each in node.names)


def test_the_wheel_holds_the_project_without_what_is_for_development(wheel: ZipFile) -> None:
    """Every module of the four packages is in it, but for the sandbox: no simulator, no patches, no tests."""
    shipped = {module_name(name) for name in wheel.namelist() if name.endswith(".py")}
    packages = ("flows", "tasks", "deployments", "infra")
    ours = {
        module_name(file.relative_to(ROOT).as_posix())
        for package in packages
        for file in (ROOT / package).rglob("*.py")
    }
    assert any(is_development(module) for module in ours)
    assert shipped == {module for module in ours if not is_development(module)}


def test_nothing_shipped_imports_what_is_for_development(wheel: ZipFile) -> None:
    """A module that is not in the wheel is imported by none that is."""
    found = {
        name: [each for each in imports(wheel.read(name).decode()) if is_development(each)]
        for name in wheel.namelist()
        if name.endswith(".py")
    }
    assert {name: names for name, names in found.items() if names} == {}


def test_the_image_is_built_without_what_is_for_development(wheel: ZipFile) -> None:
    """The build does not even see the sandbox, and sees every module that the wheel needs."""
    seen = {path for file in copied() if in_context(path := file.relative_to(ROOT))}
    modules = {module_name(path.as_posix()) for path in seen if path.suffix == ".py"}
    assert modules == {module_name(name) for name in wheel.namelist() if name.endswith(".py")}
    names = ("requirements", "requirements-analytics", "requirements-telemetry")
    files = {Path(f"{name}{suffix}") for name in names for suffix in (".in", ".txt")}
    assert {Path("pyproject.toml"), *files} <= seen


def test_the_wheel_is_complete(wheel: ZipFile) -> None:
    """Templates, requirements, the console script and the worker's type are in it."""
    names = wheel.namelist()
    assert {"infra/template.yaml", "infra/worker.yaml", "infra/deployer-policy.json"} <= set(names)
    folder = next(name for name in names if name.endswith("METADATA")).removesuffix("METADATA")
    metadata = message_from_string(wheel.read(f"{folder}METADATA").decode())
    extra = [
        f'{each}; extra == "{name}"'
        for name in ("analytics", "telemetry")
        for each in requirements(f"requirements-{name}.in")
    ]
    assert metadata.get_all("Requires-Dist") == requirements("requirements.in") + extra
    assert metadata.get_all("Provides-Extra") == ["analytics", "telemetry"]
    entry_points = wheel.read(f"{folder}entry_points.txt").decode()
    assert "interactions = deployments.cli.__main__:main" in entry_points
    assert "interactions = deployments.worker.worker" in entry_points
