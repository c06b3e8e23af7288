"""The Prefect UI as a person uses it, in a headless browser; what it showed is kept in .sandbox/screenshots."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from deployments.resources import LIMITS, POOLS, WARM_POOL
from deployments.sandbox.servers import ROOT
from tests.integration.operations import artifact
from tests.integration.sandbox import Driver
from tests.integration.test_pipeline import event_text
from tests.integration.test_replay import DEPLOYMENT

SCREENSHOTS = ROOT / ".sandbox" / "screenshots"
CHROMIUM = shutil.which("chromium")
ABSENT = "no `chromium` in PATH: `apt-get install chromium` brings the browser that this test drives"
# Nothing leaves this machine: the UI asks for its makers' telemetry, and finds no such host.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
PATIENCE = 30_000  # milliseconds until a page has to show what is expected
SUMMARY = "1 saved, 0 unchanged, 0 deferred, 0 rejected, 0 failed"

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),  # the first test waits for the sandbox as well
    pytest.mark.skipif(CHROMIUM is None and os.environ.get("CI") != "true", reason=ABSENT),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium; a machine of the continuous integration has to have it."""
    if CHROMIUM is None:
        pytest.fail(ABSENT)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield chromium
        chromium.close()


class Ui:
    """The Prefect UI in a tab of the browser."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self._url = f"{url}/v2"  # what Prefect shows to a browser that has not chosen

    def open(self, path: str) -> None:
        """Go to a page."""
        self.page.goto(f"{self._url}/{path}")

    def search(self, path: str, box: str, id_: str) -> None:
        """Go to a page and type an id into its search box."""
        self.open(path)
        self.page.get_by_placeholder(box).fill(id_)
        expect(self.page).to_have_url(re.compile(id_))

    def sees(self, text: str, *, whole: bool = False) -> None:
        """Wait until the page shows a text, as a part of a paragraph or as the whole of it."""
        expect(self.page.get_by_text(text, exact=whole).first).to_be_visible()

    def press(self, role: Any, name: str) -> None:
        """Click on the one thing of that role and exact name."""
        self.page.get_by_role(role, name=name, exact=True).click()

    def follow(self, name: str, *, whole: bool = True) -> None:
        """Go where the one link of that name leads, or the one card that has it in its text."""
        self._go(self.page.get_by_role("link", name=name, exact=whole))

    def _go(self, link: Locator) -> None:
        """By its address: on a busy machine the UI loses a click while a search is still being drawn."""
        self.page.goto(urljoin(self.page.url, link.get_attribute("href") or ""))

    def version_of(self, run_name: str) -> None:
        """On an artifact's page, open the version that a run made."""
        entry = self.page.locator("div").filter(has=self.page.get_by_role("link", name=run_name, exact=True))
        version = self.page.locator('a[href*="/artifacts/artifact/"]')
        self._go(entry.filter(has=version).last.locator(version))

    def row(self, name: str, *cells: object) -> Locator:
        """The row of a table that starts with a name and has these cells after it."""
        return self.page.get_by_role("row", name=" ".join([name, *map(str, cells)]))

    def picture(self, name: str) -> None:
        """Keep what is shown, the whole page."""
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


@pytest.fixture
def ui(browser: Browser, driver: Driver, request: pytest.FixtureRequest) -> Iterator[Ui]:
    """A new tab; the last thing it showed is kept when the test failed."""
    failed = request.session.testsfailed
    page = browser.new_page(viewport={"width": 1400, "height": 1000}, locale="en-US")
    page.set_default_timeout(PATIENCE)
    shown = Ui(page, driver.sandbox.ui_url)
    yield shown
    if request.session.testsfailed > failed:
        shown.picture(f"failed-{request.node.name}")
    page.close()


def ended(driver: Driver, name: str) -> dict[str, Any]:
    """The run of that name, once it has ended."""
    found = driver.until(lambda: driver.runs(name={"any_": [name]}))
    return driver.finished(found[0]["id"])


def test_a_run_is_found_by_its_interaction(driver: Driver, ui: Ui) -> None:
    """The Runs page finds an interactionId; the run shows its state, its message and each event's outcome."""
    id_, other = driver.end(), str(uuid.uuid4())
    driver.finished(driver.create_run([event_text(other)]))
    assert ended(driver, id_)["state_type"] == "COMPLETED"
    ui.search("runs", "Search by flow run name", id_)
    ui.sees("1 Flow run", whole=True)
    ui.picture("runs-page")
    ui.follow(id_)
    ui.press("tab", "Details")
    ui.sees("Completed", whole=True)
    ui.sees(SUMMARY, whole=True)
    ui.picture("run-with-state-and-message")
    ui.press("tab", "Artifacts")
    ui.follow("outcomes", whole=False)
    ui.version_of(id_)
    expect(ui.page.get_by_role("row", name=id_)).to_contain_text("saved")
    expect(ui.page.get_by_role("link", name=id_, exact=True)).to_be_visible()
    ui.picture("outcomes-table")


def test_a_rejected_event_is_found_under_its_card(driver: Driver, ui: Ui) -> None:
    """The Artifacts page finds `interaction-<id>`, which says what was wrong, in which run, and what to do."""
    id_ = driver.end(mediaType=True)
    card = driver.until(lambda: artifact(driver, f"interaction-{id_}"))[0]
    ui.search("artifacts", "Search artifacts", id_)
    ui.sees("1 artifact", whole=True)
    ui.picture("artifacts-page")
    ui.follow(f"interaction-{id_}", whole=False)
    run = driver.finished(card["flow_run_id"])
    ui.version_of(run["name"])
    for text in ("mediaType", "Mend the sender", f'interaction_ids=["{id_}"]'):
        ui.sees(text)
    ui.picture("card-of-a-rejected-interaction")
    ui.follow(f"run {run['id']}")
    ui.sees("ValidationFailed: 1 of 1 events rejected")
    ui.picture("run-of-a-rejected-interaction")


def test_the_form_replays_an_interaction(driver: Driver, ui: Ui) -> None:
    """An id typed into the replay deployment's form ends as a row; the form describes each parameter."""
    id_ = str(uuid.uuid4())
    assert driver.row(id_) is None
    ui.open("deployments")
    ui.follow("replay")
    ui.press("button", "Run")
    ui.page.get_by_role("menuitem", name="Custom run").click()
    for description in descriptions(driver, DEPLOYMENT):
        ui.sees(description, whole=True)
    ui.press("button", "Add item")
    ui.page.get_by_role("group").get_by_role("textbox").fill(id_)
    ui.picture("replay-form")
    ui.press("button", "Submit")
    row = driver.until(lambda: driver.settled(id_))
    run = ended(driver, f"replay of {id_}")
    assert (run["state_type"], run["state"]["message"]) == ("COMPLETED", SUMMARY)
    assert row["runs"][-1] == run["id"]
    ui.search("runs", "Search by flow run name", id_)
    ui.follow(f"replay of {id_}")
    ui.press("tab", "Details")
    ui.sees("Completed", whole=True)
    ui.sees(SUMMARY, whole=True)
    ui.picture("replayed")


def descriptions(driver: Driver, deployment: str) -> list[str]:
    """What a deployment says about each of its parameters."""
    url = f"{driver.addresses.prefect_api_url}/deployments/name/{deployment}"
    schema = requests.get(url, timeout=10).json()["parameter_openapi_schema"]
    assert schema["properties"]
    return [each["description"] for each in schema["properties"].values()]


def test_the_limits_are_shown(ui: Ui) -> None:
    """The Concurrency page names every limit with the number that it stands at."""
    ui.open("concurrency-limits")
    for limit in LIMITS:
        expect(ui.row(limit.name, limit.limit)).to_be_visible()
    ui.picture("concurrency-limits")


def test_the_pools_and_their_queues_are_shown(ui: Ui) -> None:
    """The Work Pools page names both pools; the warm one's page each queue with its limit and priority."""
    ui.open("work-pools")
    for pool in POOLS:
        expect(ui.page.get_by_role("link", name=pool.name, exact=True)).to_be_visible()
    ui.picture("work-pools")
    ui.follow(WARM_POOL)
    ui.press("tab", "Work Queues")
    for queue in next(pool.queues for pool in POOLS if pool.name == WARM_POOL):
        expect(ui.row(queue.name, queue.limit, queue.priority)).to_be_visible()
    ui.picture("work-queues")
