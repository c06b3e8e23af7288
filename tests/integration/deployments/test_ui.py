"""The Prefect UI in a headless browser; screenshots are kept in .sandbox/screenshots.

`DOCUMENT_PICTURES=1 .venv/bin/pytest tests/integration/deployments/test_ui.py` also makes the pictures of docs/images.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
import requests
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from rich.console import Console
from rich.text import Text

from deployments.resources import LIMITS, POOLS, WARM_POOL
from deployments.sandbox.servers import ROOT
from tests.support.events import event_text, oversize_event
from tests.support.prefect_runs import REPLAY, artifact_versions, finished_run
from tests.support.sandbox import SandboxDriver

SCREENSHOTS = ROOT / ".sandbox" / "screenshots"
CONTENT: Any = {"x": 256, "y": 0, "width": 1144, "height": 740}  # of a page, without the menu
IN_DOCUMENTS = {  # shown in docs/images, and which part of the window
    "run-of-many": None,
    "outcomes-table": None,
    "artifact-of-a-rejected-interaction": CONTENT,
    "replay-form": None,
    "status": None,
}
STATUS = "<body style='margin:0'><pre style='margin:0;padding:16px;font:15px/1.35 monospace'>{code}</pre>"
CHROMIUM = shutil.which("chromium")
ABSENT = "no `chromium` in PATH: `apt-get install chromium` brings the browser that this test drives"
# No request leaves this machine: host names do not resolve, whatever the browser itself would ask for.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
COLUMNS = 100
TIMEOUT = 30_000  # milliseconds within which a page must show what is expected
SUMMARY = "1 saved, 0 unchanged, 0 deferred, 0 rejected, 0 failed"

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),  # the first test waits for the sandbox as well
    pytest.mark.skipif(CHROMIUM is None and os.environ.get("CI") != "true", reason=ABSENT),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start chromium from PATH; fail where it is absent although CI=true."""
    if CHROMIUM is None:
        pytest.fail(ABSENT)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=TIMEOUT)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield chromium
        chromium.close()


class Ui:
    """The Prefect UI in a tab of the browser."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self._url = url

    def open(self, path: str) -> None:
        """Open a page."""
        self.page.goto(f"{self._url}/{path}")

    def search(self, path: str, box: str, id_: str) -> None:
        """Open a page and type an id into its search box."""
        self.open(path)
        self.page.get_by_placeholder(box).fill(id_)
        expect(self.page).to_have_url(re.compile(id_))

    def shows(self, text: str, *, whole: bool = False) -> None:
        """Wait until the page shows a text, as part of an element's text or as the whole of it."""
        expect(self.page.get_by_text(text, exact=whole).first).to_be_visible()

    def press(self, role: Any, name: str) -> None:
        """Click on the one element of that role and exact name."""
        self.page.get_by_role(role, name=name, exact=True).click()

    def follow(self, name: str, *, whole: bool = True) -> None:
        """Open the target of the one link with that name, or with that text in it."""
        self._go(self.page.get_by_role("link", name=name, exact=whole))

    def _go(self, link: Locator) -> None:
        """Open the link's address: on a busy machine the UI loses a click while it still renders a search."""
        self.page.goto(urljoin(self.page.url, link.get_attribute("href") or ""))

    def version_of(self, run_name: str) -> None:
        """On an artifact's page, open the version that a run created."""
        entry = self.page.locator("div").filter(has=self.page.get_by_role("link", name=run_name, exact=True))
        version = self.page.locator('a[href*="/artifacts/artifact/"]')
        self._go(entry.filter(has=version).last.locator(version))

    def row(self, name: str, *cells: object) -> Locator:
        """Return the row of a table that starts with a name and has these cells after it."""
        return self.page.get_by_role("row", name=" ".join([name, *map(str, cells)]))

    def screenshot(self, name: str) -> None:
        """Keep a screenshot of the whole page; for a document, one of the window."""
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
        if name in IN_DOCUMENTS and os.environ.get("DOCUMENT_PICTURES"):
            self.page.screenshot(path=ROOT / "docs/images" / f"{name}.png", clip=IN_DOCUMENTS[name])

    def terminal(self, printed: str) -> None:
        """Show what a command has printed, in its colours, in a window of its size."""
        console = Console(record=True, width=COLUMNS, file=io.StringIO())
        console.print(Text.from_ansi(printed), soft_wrap=True)
        self.page.set_content(console.export_html(inline_styles=True, code_format=STATUS))
        box = self.page.locator("pre").bounding_box()
        assert box
        self.page.set_viewport_size({"width": 1000, "height": int(box["height"])})


@pytest.fixture
def ui(browser: Browser, driver: SandboxDriver, request: pytest.FixtureRequest) -> Iterator[Ui]:
    """Return a new tab; a screenshot is kept when the test fails. Its pages may ask no host but the server."""
    failed = request.session.testsfailed
    page = browser.new_page(viewport={"width": 1400, "height": 1000}, locale="en-US")
    page.set_default_timeout(TIMEOUT)
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    shown = Ui(page, driver.sandbox.ui_url)
    yield shown
    if request.session.testsfailed > failed:
        shown.screenshot(f"failed-{request.node.name}")
    page.close()
    assert {host for url in requested if (host := urlsplit(url).hostname)} <= {"127.0.0.1"}


def test_a_run_is_found_by_its_interaction(driver: SandboxDriver, ui: Ui) -> None:
    """The Runs page finds an interactionId; the run shows its state, its message and each event's outcome."""
    id_, other = driver.end(), str(uuid.uuid4())
    driver.finished(driver.create_run([event_text(other)]))
    assert finished_run(driver, id_)["state_type"] == "COMPLETED"
    ui.search("runs", "Search by flow run name", id_)
    ui.shows("1 Flow run", whole=True)
    ui.screenshot("runs-page")
    ui.follow(id_)
    ui.press("tab", "Details")
    ui.shows("Completed", whole=True)
    ui.shows(SUMMARY, whole=True)
    ui.screenshot("run-with-state-and-message")
    ui.press("tab", "Artifacts")
    ui.follow("outcomes", whole=False)  # of this run: since Prefect 3.9 no page of versions is between
    expect(ui.page.get_by_role("row", name=id_)).to_contain_text("saved")
    expect(ui.page.get_by_role("link", name=id_, exact=True)).to_be_visible()
    ui.screenshot("outcome-of-one")


def test_the_printed_address_opens_the_current_ui(driver: SandboxDriver, ui: Ui) -> None:
    """The server's root leads there, too. Its menu has no Artifacts."""
    ui.page.goto(driver.addresses.prefect_api_url.removesuffix("/api"))
    expect(ui.page).to_have_url(re.compile(f"{driver.sandbox.ui_url}/"))
    for entry in ("Runs", "Concurrency"):
        expect(ui.page.get_by_role("link", name=entry, exact=True)).to_be_visible()
    expect(ui.page.get_by_role("link", name="Artifacts", exact=True)).to_have_count(0)


def test_a_run_of_many_shows_its_steps(driver: SandboxDriver, ui: Ui) -> None:
    """A run of many interactions is named after their number; its page shows the steps and their counts."""
    run = driver.finished(driver.create_run([event_text(str(uuid.uuid4())) for _ in range(40)]))
    assert run["name"] == "40 interactions"
    query = {
        "logs": {"flow_run_id": {"any_": [run["id"]]}}
    }  # the page of a run that has ended shows no later logs
    driver.until(lambda: "saved, attempt 1: 40" in str(driver.api("/logs/filter", query)))
    ui.open(f"runs/flow-run/{run['id']}")
    ui.shows("validated: 40 events")
    ui.shows("saved, attempt 1: 40 interactions")
    ui.page.wait_for_timeout(3_000)  # the chart of the tasks is a canvas, which does not say when it is drawn
    ui.screenshot("run-of-many")


def test_the_outcomes_of_a_run_are_a_table(driver: SandboxDriver, ui: Ui) -> None:
    """The table has a row an event, what went wrong first; an event that came twice is saved once."""
    events = [event_text(str(uuid.uuid4())) for _ in range(3)]
    run = driver.finished(driver.create_run([*events, events[0], event_text("no-uuid")]))
    assert run["state"]["message"].endswith("3 saved, 1 unchanged, 0 deferred, 1 rejected, 0 failed")
    ui.open(f"runs/flow-run/{run['id']}?tab=Artifacts")
    ui.follow("outcomes", whole=False)
    for outcome, number in (("saved", 3), ("unchanged", 1), ("rejected", 1)):
        expect(ui.page.get_by_role("cell", name=outcome, exact=True)).to_have_count(number)
    ui.screenshot("outcomes-table")


def test_a_rejected_event_is_found_by_its_interaction_artifact(driver: SandboxDriver, ui: Ui) -> None:
    """The Artifacts page finds `interaction-<id>`, which says what was wrong, in which run, and what to do."""
    id_ = str(uuid.uuid4())
    driver.create_run([oversize_event(id_)])
    artifact = driver.until(lambda: artifact_versions(driver, f"interaction-{id_}"))[0]
    ui.search("artifacts", "Search artifacts", id_)
    ui.shows("1 artifact", whole=True)
    ui.screenshot("artifacts-page")
    ui.follow(f"interaction-{id_}", whole=False)
    run = driver.finished(artifact["flow_run_id"])
    ui.version_of(run["name"])
    for text in ("too large", "replay them by their ids", f'interaction_ids=["{id_}"]'):
        ui.shows(text)
    ui.screenshot("artifact-of-a-rejected-interaction")
    ui.follow(f"run {run['id']}")
    ui.shows("ValidationFailed: 1 of 1 events rejected")
    ui.screenshot("run-of-a-rejected-interaction")


def test_the_form_replays_an_interaction(driver: SandboxDriver, ui: Ui) -> None:
    """An id typed into the replay deployment's form is stored as a row; the form describes each parameter."""
    id_ = str(uuid.uuid4())
    assert driver.row(id_) is None
    ui.open("deployments")
    ui.follow("replay")
    ui.press("button", "Run")
    ui.page.get_by_role("menuitem", name="Custom run").click()
    for description in descriptions(driver, REPLAY):
        ui.shows(description, whole=True)
    ui.press("button", "Add item")
    ui.page.get_by_role("group").get_by_role("textbox").first.fill(id_)  # the second one: reason
    ui.screenshot("replay-form")
    ui.press("button", "Submit")
    row = driver.until_settled(id_)
    run = finished_run(driver, f"replay of {id_}")
    assert (run["state_type"], run["state"]["message"]) == ("COMPLETED", SUMMARY)
    assert row["runs"][-1] == run["id"]
    ui.search("runs", "Search by flow run name", id_)
    ui.follow(f"replay of {id_}")
    ui.press("tab", "Details")
    ui.shows("Completed", whole=True)
    ui.shows(SUMMARY, whole=True)
    ui.screenshot("replayed")


def descriptions(driver: SandboxDriver, deployment: str) -> list[str]:
    """Return the description of each of a deployment's parameters."""
    url = f"{driver.addresses.prefect_api_url}/deployments/name/{deployment}"
    schema = requests.get(url, timeout=60).json()["parameter_openapi_schema"]
    assert schema["properties"]
    return [each["description"] for each in schema["properties"].values()]


def test_status_says_what_is_wrong_and_what_to_do(driver: SandboxDriver, ui: Ui) -> None:
    """As a terminal shows it: every part of the pipeline, then each finding with the next step."""
    driver.finished(driver.create_run([event_text(str(uuid.uuid4())) for _ in range(3)]))
    driver.finished(driver.create_run([event_text("no-uuid")]))
    done = subprocess.run(
        [sys.executable, "-m", "deployments.cli", "status"],
        env=driver.sandbox.environment() | {"FORCE_COLOR": "1", "COLUMNS": str(COLUMNS)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    ui.terminal(done.stdout)
    ui.shows("quarantine-rejected")
    ui.shows("their sender, or the rule")
    ui.screenshot("status")


def test_the_limits_are_shown(ui: Ui, driver: SandboxDriver) -> None:
    """The Concurrency page lists every limit with its current value."""
    ui.open("concurrency-limits")
    for limit in LIMITS:
        expect(ui.row(limit.name, driver.limit(limit.name)["limit"])).to_be_visible()
    ui.screenshot("concurrency-limits")


def test_the_pools_and_their_queues_are_shown(ui: Ui) -> None:
    """The Work Pools page lists the chosen pool; its page each queue with its limit and priority."""
    ui.open("work-pools")
    expect(ui.page.get_by_role("link", name=WARM_POOL, exact=True)).to_be_visible()
    ui.screenshot("work-pools")
    ui.follow(WARM_POOL)
    ui.press("tab", "Work Queues")
    for queue in next(pool.queues for pool in POOLS if pool.name == WARM_POOL):
        expect(ui.row(queue.name, queue.limit, queue.priority)).to_be_visible()
    ui.screenshot("work-queues")
