"""What is printed is printed as it is: `:secret:` of an ARN is no emoji, on any console."""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

ROOT = Path(__file__).parents[2]
ARN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:prefect"


def consoles() -> Iterator[tuple[str, ast.Call]]:
    """Yield each console that the commands make, with where."""
    for folder in ("deployments", "flows", "infra", "tasks"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Console":
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def test_no_console_of_a_command_knows_emojis() -> None:
    """Each is made with emoji=False."""
    found = dict(consoles())
    assert found
    without = [
        where
        for where, call in found.items()
        if not any(
            each.arg == "emoji" and getattr(each.value, "value", None) is False for each in call.keywords
        )
    ]
    assert without == []


def test_that_is_what_keeps_an_arn() -> None:
    """With it the ARN is printed whole; by default rich makes something else of it."""

    def printed(*, emoji: bool) -> str:
        file = io.StringIO()
        Console(file=file, width=200, emoji=emoji).print(ARN)
        return file.getvalue().strip()

    assert printed(emoji=False) == ARN
    assert printed(emoji=True) != ARN
