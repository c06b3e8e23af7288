"""The order in which the processes of `make test` get files."""

from __future__ import annotations

from pathlib import Path

from tests.support.slow_first import FOLDERS, TESTS, place


def test_files_that_wait_for_servers_come_first() -> None:
    """Unit tests come last: they end soon, whoever gets them."""
    files = [TESTS / "unit/test_values.py", TESTS / "integration/operations/test_inspect.py", Path(__file__)]
    assert sorted(files, key=place) == [files[1], files[0], files[2]]


def test_every_folder_of_tests_has_a_place() -> None:
    """A new folder is put where it belongs."""
    assert {file.relative_to(TESTS).parts[0] for file in TESTS.rglob("test_*.py")} == {*FOLDERS}
