"""The pages of the UI as a browser draws them: lineage by group, an asset with its checks, the map, the runs.

That a page holds these words does not show that it looks right: the screenshots (build/verify/*.png) are for looking at.
Skipped where Chromium or its driver is absent.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hotspot_pipeline_tests.integration.conftest import TwoDays
from hotspot_pipeline_tests.integration.dagster_ui import LOCATION, start_ui, wait_until
from hotspot_pipeline_tests.integration.figures import record
from hotspot_pipeline_tests.integration.installation import FORCE

pytestmark = pytest.mark.slow

FOLDER = os.environ.get("HOTSPOTS_VERIFY_DIR")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1600,1400",
)
WAIT_S = 60.0


class Browser:
    """Chromium on one installation's UI; every page it leaves is kept as a picture."""

    def __init__(self, driver: Any, base: str, pictures: Path) -> None:
        self.driver, self.base, self.pictures = driver, base, pictures

    def open(self, path: str) -> None:
        self.driver.get(self.base + path)

    def text(self) -> str:
        return str(self.driver.execute_script("return document.body.innerText"))

    def wait_for(self, *words: str) -> None:
        """Until the page shows all of them, in any case of letters."""
        wanted = [w.casefold() for w in words]
        wait_until(
            lambda: self._closed_welcome() and all(w in self.text().casefold() for w in wanted),
            f"{words} on {self.driver.current_url}",
            WAIT_S,
            about=lambda: self.text()[-3000:],
        )

    def click(self, label: str) -> None:
        self.driver.find_element("xpath", f"//*[normalize-space(text())='{label}']").click()

    def keep(self, name: str) -> None:
        time.sleep(1)  # dialogs fade in
        self.driver.save_screenshot(str(self.pictures / f"{name}.png"))
        record("the UI in headless Chromium", page=name, shown=True)

    def _closed_welcome(self) -> bool:
        """Dagster greets a new user with a dialog that hides the page. In the page itself: it draws itself anew at any time."""
        self.driver.execute_script(
            "document.querySelectorAll('button').forEach(b => b.innerText.trim() === 'Skip' && b.click())"
        )
        return True


@pytest.fixture(scope="module")
def browser(two_days: TwoDays, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    chromedriver = shutil.which("chromedriver")
    if not chromium or not chromedriver:
        pytest.skip(
            "no Chromium with its driver on this machine (packages chromium, chromium-driver)"
        )
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in FLAGS:
        options.add_argument(flag)
    installation = two_days.today.copy_to(tmp_path_factory.mktemp("browser") / "machine")
    pictures = Path(FOLDER) if FOLDER else tmp_path_factory.mktemp("pictures")
    pictures.mkdir(parents=True, exist_ok=True)
    driver = None
    try:
        ui = start_ui(installation)
        service = webdriver.ChromeService(executable_path=chromedriver)
        driver = webdriver.Chrome(service=service, options=options)
        yield Browser(driver, f"http://127.0.0.1:{ui.port}", pictures)
    finally:
        if driver is not None:
            driver.quit()
        installation.kill_everything()
        installation.remove()


def test_lineage_by_group(browser: Browser) -> None:
    browser.open("/asset-groups")
    browser.wait_for("raw", "validated", "history", "hexes", "hot_times", "published")
    browser.keep("lineage")


def test_an_asset_explains_itself(browser: Browser) -> None:
    browser.open(f"/assets/{FORCE}/hexes/crime_weekly")
    browser.wait_for("Description", "duckdb", "n_events", "one row")
    browser.keep("asset")


def test_an_asset_shows_its_checks(browser: Browser) -> None:
    browser.open(f"/assets/{FORCE}/validated/crimes?view=checks")
    browser.wait_for("crime_extract__key_unique", "Succeeded")
    browser.keep("checks")


@pytest.mark.parametrize("asset", ["pictures", "hot_times", "patrols", "evaluation"])
def test_pictures_are_shown(browser: Browser, asset: str) -> None:
    browser.open(f"/assets/{FORCE}/published/{asset}")
    browser.wait_for("Show Markdown")
    browser.click("[Show Markdown]")
    wait_until(
        lambda: browser.driver.execute_script(
            "return [...document.images].some(image => image.naturalWidth > 300)"
        ),
        f"a picture in the metadata of {asset}",
        WAIT_S,
        about=browser.text,
    )
    browser.keep({"pictures": "map"}.get(asset, asset))


def test_the_bulletin_says_what_changed(browser: Browser) -> None:
    browser.open(f"/assets/{FORCE}/published/issues")
    browser.wait_for("Description", "issue", "summary")
    browser.keep("bulletin")


def test_the_run_is_listed(browser: Browser) -> None:
    browser.open("/runs")
    browser.wait_for("nightly_crime", "Success")
    browser.keep("runs")


def test_the_jobs_and_their_schedules(browser: Browser) -> None:
    browser.open("/automation")
    browser.wait_for(
        "every_night", "every_monday", "new_deliveries", "dead_runs", "on_failure", LOCATION
    )
    browser.keep("automation")
