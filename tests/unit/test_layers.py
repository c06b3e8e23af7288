"""The direction of imports: deployments -> flows -> tasks -> genesys, records, stores, and no circle anywhere."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("flows", "tasks", "deployments", "infra")
MAY_IMPORT = {
    "tasks": {"tasks"},
    "flows": {"flows", "tasks"},
    "infra": {"infra", "tasks"},
    "deployments": {"deployments", "flows", "tasks", "infra"},
}
"""What each package may import of ours."""
DOMAIN = (
    "tasks/events",
    "tasks/records",
    "tasks/genesys",
    "tasks/lake",
    "tasks/stores",
    "tasks/values.py",
    "tasks/errors.py",
)
"""Code that imports no Prefect."""


def modules() -> dict[str, Path]:
    """Return every module of ours by its dotted name; the bridge's folder is flat and stands apart."""
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    bridge = ROOT / "infra" / "bridge"
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in files
        if bridge not in path.parents
    }


def imported(path: Path) -> set[str]:
    """Return the names that a module imports when it is imported; not those under TYPE_CHECKING or in functions."""
    found: set[str] = set()
    todo: list[ast.stmt] = list(ast.parse(path.read_text(encoding="utf-8")).body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Try) or (
            isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.unparse(node.test)
        ):
            todo += node.body
    return found


MODULES = modules()


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_in_one_direction(package: str) -> None:
    """No package imports one that stands above it; the tests are imported by none."""
    ours = {*PACKAGES, "tests"}
    for name, path in MODULES.items():
        if name.split(".")[0] == package:
            used = {each.split(".")[0] for each in imported(path)} & ours
            assert used <= MAY_IMPORT[package], f"{name} imports {used - MAY_IMPORT[package]}"


def test_no_module_imports_itself_through_others() -> None:
    """The imports of all modules can be put into an order: there is no circle."""
    graph = {name: (imported(path) & MODULES.keys()) - {name} for name, path in MODULES.items()}
    packages = {name for name, path in MODULES.items() if path.name == "__init__.py"}
    # A package is imported with each of its modules; what its __init__ imports of them is no circle.
    for name in packages:
        graph[name] = {each for each in graph[name] if not each.startswith(f"{name}.")}
    assert len(list(TopologicalSorter(graph).static_order())) >= len(MODULES)


def test_domain_code_imports_no_prefect() -> None:
    """Events, records, the Genesys client, the analytics tables and the stores can be used without Prefect."""
    for name, path in MODULES.items():
        if path.relative_to(ROOT).as_posix().startswith(DOMAIN):
            assert not {each for each in imported(path) if each.split(".")[0] == "prefect"}, name


def test_the_bridge_imports_nothing_of_ours() -> None:
    """Its folder is a Lambda's zip file: the standard library, boto3 and its own modules."""
    for path in (ROOT / "infra" / "bridge").glob("*.py"):
        assert not {each.split(".")[0] for each in imported(path)} & {*PACKAGES, "prefect", "pydantic"}, path
