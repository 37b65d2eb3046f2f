"""A headless Chromium, the machine's own, that looks at Prefect's UI as a person does: by what stands on the page."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support import expected_conditions as shown
from selenium.webdriver.support.wait import WebDriverWait

PATIENCE = 90

SCREENSHOTS = "SCREENSHOTS"
"""The variable that names a folder for pictures: `SCREENSHOTS=docs/images` makes those of the docs anew."""


@dataclass(frozen=True)
class Browser:
    """A window."""

    driver: webdriver.Chrome
    address: str

    def open(self, path: str) -> None:
        """Go to a page of the UI."""
        self.driver.get(f"{self.address}/v2/{path}")

    def sees(self, *texts: str, seconds: float = PATIENCE) -> None:
        """Wait until all of these stand on the page."""
        for text in texts:
            WebDriverWait(self.driver, seconds).until(
                shown.text_to_be_present_in_element((By.TAG_NAME, "body"), text), f"the page does not show {text!r}"
            )

    def click(self, words: str) -> None:
        """Click what bears these words: a button, a tab, a link."""
        own_words = f"[normalize-space()='{words}']"
        found: WebElement = WebDriverWait(self.driver, PATIENCE).until(
            shown.element_to_be_clickable((By.XPATH, f"//button{own_words} | //a{own_words}")), f"no {words!r} to click"
        )
        found.click()

    def picture(self, name: str) -> None:
        """Keep what is seen, where a folder is named for it."""
        if folder := os.environ.get(SCREENSHOTS):
            time.sleep(2)  # what fades in has faded in
            self.driver.save_screenshot(str(Path(folder) / f"{name}.png"))


@contextmanager
def browsing(address: str) -> Iterator[Browser]:
    """Open a window; skip where there is no browser."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("no Chromium: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "disable-gpu", "window-size=1280,900"):
        options.add_argument(f"--{flag}")
    window = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield Browser(window, address)
    finally:
        window.quit()
