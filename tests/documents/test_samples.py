"""What a document shows is what the code makes: records, settings, the simulator's control."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from deployments.sandbox.genesys import MANUAL
from deployments.sandbox.genesys.control.faults import READERS
from tasks.records import CONTENT_FIELDS, build_record
from tasks.settings import RENAMED
from tasks.stores import Deferral
from tests.documents.generated import item, written_anew
from tests.documents.markdown import DOCUMENTS, HISTORY, ROOT, Document, document, names, table
from tests.support.samples import case_names, conversation_names, read_conversation

MODEL = document("data-model")
TYPES: dict[str, tuple[type, ...]] = {
    "S": (str,),
    "N": (int, Decimal),
    "BOOL": (bool,),
    "L": (list,),
    "M": (dict,),
}


@pytest.mark.parametrize("each", DOCUMENTS, ids=lambda each: each.name)
def test_the_generated_parts_are_what_the_code_makes(each: Document) -> None:
    """`python -m tests.documents` would change nothing."""
    assert written_anew(each) == each.text


def test_the_readme_and_the_data_model_show_a_record() -> None:
    """The generated parts are there at all."""
    assert "<!-- generated: record -->\n```json" in DOCUMENTS[0].text
    assert "<!-- generated: item -->\n```json" in MODEL.text


def test_the_table_of_content_has_every_field() -> None:
    """The names are those of the record in their order, and below a list those that its elements have in samples."""
    documented = [names(row[0])[0] for row in table(MODEL.section("Content"))]
    assert tuple(name for name in documented if "[" not in name) == CONTENT_FIELDS
    assert {name for name in documented if "[" in name} == {name for name, _ in _values() if "[" in name}


def test_every_field_has_its_type_and_an_example_that_a_sample_has() -> None:
    """A type is DynamoDB's, a unit that of the name, and an example the value in some sample's record."""
    for field, kind, meaning, _, example in table(MODEL.section("Content")):
        name = names(field)[0]
        found = [value for path, value in _values() if path == name]
        assert found, name
        assert meaning, name
        assert {type(value) for value in found} <= set(TYPES[kind.split(",")[0].split()[0]]), name
        assert (", ms" in kind) == name.endswith(("Ms", "metrics")), name
        assert (", time" in kind) == name.endswith(("At", ".at")), name
        if example not in ("above", "below"):
            assert json.loads(names(example)[0]) in found, name


def test_every_field_has_a_source_in_genesyss_answer() -> None:
    """What the table names as source are fields and values that sample answers have."""
    words = set(_words([read_conversation(name) for name in _samples()]))
    for field, _, _, source, _ in table(MODEL.section("Content")):
        spans = [span for span in names(source) if not span.startswith("queues[]")]
        assert spans or "queues[].outcome" in source, field
        parts = {part for span in spans for part in re.split(r"\[\]\.|\[\]", span) if part}
        assert parts <= words, f"{field}: {parts - words}"


def _samples() -> list[str]:
    return [*conversation_names(), *case_names()]


def _words(value: Any) -> Iterator[str]:
    """Yield every key and every text in JSON."""
    if isinstance(value, dict):
        yield from value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _words(inner)
    if isinstance(value, str):
        yield value


def _values() -> list[tuple[str, Any]]:
    """Return each value in the records of all samples, with its path as the table names it."""
    records = [build_record(read_conversation(name), datetime(2026, 6, 1, tzinfo=UTC)) for name in _samples()]
    return [pair for record in records for pair in _paths(record.content, "")]


def _paths(content: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in content.items():
        yield prefix + name, value
        for each in value if isinstance(value, list) else ():
            if isinstance(each, dict):
                yield from _paths(each, f"{prefix}{name}[].")


def test_the_table_of_bookkeeping_has_every_other_field() -> None:
    """What an item can hold beside its content, waiting or not, is explained."""
    rows = [*table(MODEL.section("Names")), *table(MODEL.section("Provenance and bookkeeping"))]
    explained = {name for row in rows for name in names(row[0])}
    assert (set(item()) | _waiting() | {"expiresAt", "detailsHash"}) - set(CONTENT_FIELDS) == explained


def _waiting() -> set[str]:
    return set(Deferral(datetime(2026, 3, 2, tzinfo=UTC), 2).attributes("0", "run"))


def test_the_control_of_the_simulator_is_whole() -> None:
    """Each route and each fault is explained, and no other."""
    simulator = document("simulator")
    calls = {name for row in table(simulator.section("Control")) for name in names(row[0])}
    routes = re.findall(r'Route\("(/_sim[^"]*)", \S+, methods=\["(\w+)"\]\)', _control())
    assert {f"{method} {path}" for path, method in routes} == calls
    faults = {name for row in table(simulator.section("Faults")) for name in names(row[0])}
    assert faults - {"/_sim/faults"} == set(READERS)
    assert [name for name in READERS if name not in MANUAL] == []


def _control() -> str:
    return (ROOT / "deployments/sandbox/genesys/control/app.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "snippet", [text for each in DOCUMENTS for language, text in each.blocks if language == "python"]
)
def test_the_python_is_python(snippet: str) -> None:
    """A snippet can be read, and what it reads from the environment the sandbox sets."""
    ast.parse(snippet)


@pytest.mark.parametrize(
    "snippet", [text for each in DOCUMENTS for language, text in each.blocks if language == "json"]
)
def test_the_json_is_json(snippet: str) -> None:
    """A sample can be read by a program."""
    found: Any = json.loads(snippet)
    assert found


@pytest.mark.parametrize(
    "diff", [text for each in DOCUMENTS for language, text in each.blocks if language == "diff"]
)
def test_a_change_that_is_shown_can_be_made(diff: str) -> None:
    """The lines around it, and those that it replaces, are in the file; those that it adds are not yet."""
    first, *lines = diff.splitlines()
    file = (ROOT / first.removeprefix("--- ")).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if (line[1:] in file) == line.startswith("+")] == []


def test_the_changelog_names_every_renamed_setting() -> None:
    """Whoever upgrades finds the new name beside the old one."""
    rows = {tuple(names(" ".join(row))) for row in table(HISTORY.text)}
    assert set(RENAMED.items()) <= rows


def test_the_hooks_are_what_make_check_runs() -> None:
    """Each line of `make check` is a hook, and each hook one of these lines."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = makefile.split("\ncheck:")[1].split("\n\n")[0].splitlines()[1:]
    lines = {line.strip().replace("$(BIN)", ".venv/bin") for line in recipe}
    hooks = re.findall(r"^ +entry: (.*)$", (ROOT / ".pre-commit-config.yaml").read_text(), re.MULTILINE)
    assert {re.sub(r"^sh -c '(.*)'$", r"\1", hook) for hook in hooks} == lines
