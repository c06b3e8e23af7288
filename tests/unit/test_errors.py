"""The tree of errors that tasks/errors.py draws."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module

import tasks
from tasks import errors
from tasks.errors import InternalError, PipelineError

OUTSIDE = {"EventRejected"}
_ROW = re.compile(r"    ((?:[│ ]   )*(?:[├└]── )?)(\w+) +([a-z_.]+)(?: .*)?")


def drawn() -> Iterator[tuple[str, str, set[str]]]:
    """Yield each class of the drawing: its name, its module and its parents."""
    branch: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if row := _ROW.fullmatch(line):
            indent, name, module = row.groups()
            branch = [*branch[: len(indent) // 4], name]
            yield name, f"tasks.{module}", {*branch[-2:-1], *re.findall(r"also (\w+)", line)}


def defined() -> Iterator[type[BaseException]]:
    """Yield every exception that a module of `tasks` defines."""
    for module in pkgutil.walk_packages(tasks.__path__, "tasks."):
        for value in vars(import_module(module.name)).values():
            if (
                isinstance(value, type)
                and issubclass(value, BaseException)
                and value.__module__ == module.name
            ):
                yield value


def test_the_tree_is_drawn_as_it_is() -> None:
    """The drawing has every error of the package, with its module and its parents, and no other."""
    found = [
        (each.__name__, each.__module__, {base.__name__ for base in each.__bases__} - {"Exception"})
        for each in defined()
        if issubclass(each, PipelineError)
    ]
    assert sorted(drawn(), key=str) == sorted(found, key=str)


def test_no_other_exception_is_defined() -> None:
    """An exception outside the tree is one that its own package catches."""
    assert {each.__name__ for each in defined() if not issubclass(each, PipelineError)} == OUTSIDE


def test_an_internal_error_names_the_place_and_no_value() -> None:
    """The message of the bug itself may quote a conversation, so only its type and its place are kept."""
    try:
        int("ada@example.com")
    except ValueError as bug:
        text = str(InternalError.from_exception(bug))
    assert text.startswith("ValueError in test_an_internal_error_names_the_place_and_no_value, line ")
    assert "ada" not in text
