"""A sandbox that is up, used from another shell: events of one's own, the documents' snippets, the UI."""

from __future__ import annotations

import subprocess

import pytest
import requests

from deployments.sandbox.patches.prefect_ui import POLICY
from tests.documents.markdown import DOCUMENTS
from tests.support.preloaded import run_python
from tests.support.sandbox import SandboxDriver

SNIPPETS = [text for each in DOCUMENTS for language, text in each.blocks if language == "python"]


def typed(driver: SandboxDriver, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a shell that has sourced `.sandbox/env`."""
    return run_python(*words, environment=driver.sandbox.environment())


def test_events_are_put_on_the_bus(driver: SandboxDriver) -> None:
    """`put` prints the ids of new interactions, each of which becomes a record."""
    done = typed(driver, "-m", "deployments.sandbox", "put", "--events", "2")
    ids = done.stdout.split()
    assert (done.returncode, len(ids)) == (0, 2)
    for id_ in ids:
        driver.until_settled(id_)


@pytest.mark.parametrize("number", range(len(SNIPPETS)))
def test_the_documents_snippets_run(driver: SandboxDriver, number: int) -> None:
    """Each Python snippet of a document runs as it stands, once there is a record."""
    driver.until_settled(driver.end())
    done = typed(driver, "-c", SNIPPETS[number])
    assert (done.returncode, done.stderr) == (0, "")


def test_the_printed_address_is_the_current_ui(driver: SandboxDriver) -> None:
    """The server's root leads there, too, and every page forbids the browser to ask another host."""
    root = driver.addresses.prefect_api_url.removesuffix("/api")
    page = requests.get(root, headers={"Accept": "text/html"}, timeout=60)
    assert page.url.removesuffix("/") == driver.sandbox.ui_url
    assert page.headers["Content-Security-Policy"] == POLICY
