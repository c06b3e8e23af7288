"""The data model's part about the analytics tables is whole."""

from __future__ import annotations

import pytest

from tasks.lake.schema import TABLES, Table
from tasks.lake.views import views
from tests.documents.markdown import document, names, table
from tests.documents.views import ASKED

MODEL = document("data-model")


@pytest.mark.parametrize("each", TABLES.values(), ids=lambda each: each.name)
def test_every_column_is_documented(each: Table) -> None:
    """With its type, a meaning, and whether it is personal, in the order of the table."""
    documented = [
        (names(name)[0], kind, personal, meaning)
        for name, kind, personal, meaning in table(MODEL.section(each.name))
    ]
    assert documented == [
        (column.name, str(column.kind), "personal" if column.personal else "", column.description)
        for column in each.columns
    ]


def test_every_view_is_shown_with_its_answer() -> None:
    """A view that is added needs a question; each question has an answer with some rows."""
    text = document("analytics").text
    assert sorted(ASKED) == sorted(views(20))
    for name in ASKED:
        assert len(table(text.split(f"### {name}\n")[1].split("\n### ")[0])) >= 3, name


def test_the_tables_stand_in_the_order_of_their_commits() -> None:
    """And none stands there that the schema does not have."""
    headings = [line[4:] for line in MODEL.text.splitlines() if line.startswith("### ")]
    assert [heading for heading in headings if heading in TABLES] == list(TABLES)
    tables = MODEL.text.split("## Analytics tables")[1]
    assert [line[4:] for line in tables.splitlines() if line.startswith("### ")] == list(TABLES)
