"""Every command in a document, or that a demo prints, can be typed: its program, subcommand, flags and names exist."""

from __future__ import annotations

import importlib
import inspect
import itertools
import json
import re
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

import botocore.session
import cyclopts
import pytest
import yaml
from prefect.cli._app import _app as prefect_app

from deployments.__main__ import app as deployments_app
from deployments.cli.__main__ import app as interactions_app
from deployments.resources import LIMITS, POOLS
from deployments.sandbox import demo, tour
from deployments.sandbox.__main__ import app as sandbox_app
from deployments.sandbox.genesys.control.faults import READERS
from deployments.sandbox.question import QUESTION
from infra.cli import app as infra_app
from tests.documents.markdown import DOCUMENTS, ROOT, commands
from tests.support.templates import read_template

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PREFECT_YAML = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
APPS = {"deployments": deployments_app, "deployments.sandbox": sandbox_app, "infra": infra_app}
SHELL = {".", "set", "cd", "export", "pip", "git", "python3", "docker", "pre-commit", "rm"}
PRINTED = [line for text in (demo.GO_ON, tour.GO_ON) for line in text.splitlines() if line.startswith("  ")]
COMMANDS = [(each.name, words) for each in DOCUMENTS for words in each.commands()] + [
    ("make demo", words) for words in commands("\n".join([*PRINTED, f'interactions sql "{QUESTION}"']))
]
VALUES = {"$ID": "c0000000-0000-4000-8000-000000000101"}  # what a shell would put in place of a variable


def _make(words: list[str]) -> None:
    targets = [*re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE), "$(BENCH)"]
    for word in words[1:]:
        name, assigned, _ = word.partition("=")
        if assigned:
            assert f"$({name})" in MAKEFILE, word
        else:
            file = words[1] == "bench-compare" and word.endswith(".json")
            assert file or word in targets or word.startswith(".venv/"), word


def _python(words: list[str]) -> None:
    module, *arguments = words[2:]
    assert words[1] == "-m"
    assert find_spec(module), module
    if module in APPS:
        _parses(APPS[module], arguments)


def _parses(app: cyclopts.App, arguments: list[str]) -> None:
    """Read the arguments as the program would, and run nothing."""
    if not arguments:
        return
    assert arguments[0] in app, arguments[0]
    if len(arguments) > 1:
        app.parse_args(arguments, exit_on_error=False, print_error=False)


def _interactions(words: list[str]) -> None:
    _parses(interactions_app, words[1:])


def _prefect(words: list[str]) -> None:
    if words[1:3] == ["deployment", "run"]:
        _deployment_run(words[3], [b for a, b in itertools.pairwise(words) if a == "-p"])
    prefect_app.parse_args(words[1:], exit_on_error=False, print_error=False)
    pools = [b for a, b in itertools.pairwise(words) if a == "--pool"]
    assert set(pools) <= {pool.name for pool in POOLS}
    if words[1:3] == ["gcl", "update"]:
        assert words[3] in {limit.name for limit in LIMITS}


def _deployment_run(name: str, parameters: list[str]) -> None:
    flow_name, deployment = name.split("/")
    entry = next(each for each in PREFECT_YAML["deployments"] if each["name"] == deployment)
    module, function = entry["entrypoint"].rsplit(".", 1)
    flow = getattr(importlib.import_module(module), function)
    assert flow.name == flow_name
    assert {each.partition("=")[0] for each in parameters} <= set(inspect.signature(flow.fn).parameters)


def _pytest(words: list[str]) -> None:
    for word in words[1:]:
        path, _, test = word.partition("::")
        if path.startswith("tests"):
            assert (ROOT / path).exists(), path
            assert not test or f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), word


def _curl(words: list[str]) -> None:
    url = next(word for word in words if word.startswith("$"))
    route = url.removeprefix("$GENESYS_API_URL")
    assert route in _routes(), route
    if route == "/_sim/faults":
        assert set(json.loads(words[words.index("-d") + 1])) <= {*READERS, "revoke_tokens"}


@cache
def _routes() -> set[str]:
    control = (ROOT / "deployments/sandbox/genesys/control/app.py").read_text(encoding="utf-8")
    return set(re.findall(r'Route\("(/_sim[^"]*)"', control))


def _aws(words: list[str]) -> None:
    if words[1:3] == ["cloudformation", "deploy"]:  # the command line's own, no operation of the API
        assert (ROOT / words[words.index("--template-file") + 1]).is_file()
        given = {word.partition("=")[0] for word in words if word.endswith("=...")}
        parameters = read_template("worker.yaml")["Parameters"]
        assert given <= set(parameters)
        assert {name for name, each in parameters.items() if "Default" not in each} <= given
        return
    if words[1:3] == ["logs", "tail"]:  # the same
        return
    if words[2] == "wait":
        waiters = botocore.session.get_session().get_waiter_model(words[1]).waiter_names
        assert "".join(part.capitalize() for part in words[3].split("-")) in waiters
        return
    model = botocore.session.get_session().get_service_model(words[1])
    operation = "".join(part.capitalize() for part in words[2].split("-"))
    shape = model.operation_model(operation).input_shape
    assert shape is not None
    members = shape.members
    # A truth value is negated by its flag: --no-deletion-protection-enabled.
    flags = {word[2:].removeprefix("no-").replace("-", "") for word in words if word.startswith("--")}
    assert flags <= {name.lower() for name in members}, flags


CHECKS: dict[str, Callable[[list[str]], None]] = {
    "make": _make,
    "python": _python,
    ".venv/bin/python": _python,
    "interactions": _interactions,
    "prefect": _prefect,
    ".venv/bin/pytest": _pytest,
    "curl": _curl,
    "aws": _aws,
}


@pytest.mark.parametrize(("name", "words"), COMMANDS, ids=[f"{n}: {' '.join(w)}" for n, w in COMMANDS])
def test_the_command_exists(name: str, words: list[str]) -> None:
    """Its program is known here, and takes these arguments."""
    program, *arguments = words
    if program in SHELL:
        return
    assert program in CHECKS, f"{name}: no check for {program}"
    CHECKS[program]([program, *(VALUES.get(word, word) for word in arguments)])


def test_every_command_of_ours_is_documented() -> None:
    """Each command of `interactions`, each deployment and each make target is named somewhere."""
    named = {words[1] for _, words in COMMANDS if words[0] == "interactions"}
    assert {name for name in interactions_app if name[0] != "-"} <= named
    run = {words[3].split("/")[1] for _, words in COMMANDS if words[1:3] == ["deployment", "run"]}
    assert {each["name"] for each in PREFECT_YAML["deployments"]} - {"live"} <= run
    targets = set(re.findall(r"^([a-z-]+):.*  ## ", MAKEFILE, re.MULTILINE))
    assert targets <= {words[1] for _, words in COMMANDS if words[0] == "make"}


def test_make_help_lists_every_target() -> None:
    """A target without a `##` comment is not listed: each has one."""
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert phony is not None
    assert set(phony.group(1).split()) == set(re.findall(r"^([a-z-]+):.*  ## ", MAKEFILE, re.MULTILINE))
