"""The tables with a pyiceberg that they were not made for: said in one line, before a table is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.io import pyarrow

from tasks.errors import AnalyticsNotInstalled
from tasks.lake.catalog import Lake
from tasks.lake.iceberg import compat

NO_AWS: Any = object()


def told() -> str:
    """Return what is said when the tables are opened."""
    with pytest.raises(AnalyticsNotInstalled) as found:
        Lake(NO_AWS, NO_AWS, "bucket", "database")
    return str(found.value)


def test_a_method_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be overridden in vain."""
    monkeypatch.delattr(GlueCatalog, "_is_s3tables_database")
    assert told().startswith(f"the tables were made for pyiceberg {compat.MADE_FOR}, this is ")
    assert "GlueCatalog._is_s3tables_database is missing" in told()


def test_a_method_that_takes_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be called with what ours does not take."""
    monkeypatch.setattr(GlueCatalog, "_load_file_io", lambda self, properties: (self, properties))
    assert "GlueCatalog._load_file_io takes (self, properties), not (self, properties, location)" in told()


def test_a_function_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It writes the files; without it the first publish would fail."""
    monkeypatch.delattr(pyarrow, "_dataframe_to_data_files")
    assert "_dataframe_to_data_files is missing" in told()


def test_the_pinned_pyiceberg_has_every_name() -> None:
    """The version of the extra is the one that the tables were made for, and nothing is missing in it."""
    requirements = (Path(__file__).parents[2] / "requirements-analytics.in").read_text()
    assert (
        f"pyiceberg[glue]=={compat.MADE_FOR}" in requirements
        or f"pyiceberg=={compat.MADE_FOR}" in requirements
    )
    assert compat.differences() == []
