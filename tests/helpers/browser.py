"""Chromium without a screen, driven by Playwright; tests are skipped where it is not installed."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
# No sandbox: tests may run as root. The others keep Chromium from calling home.
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@contextmanager
def chromium(*arguments: str) -> Iterator:
    """A playwright Browser; skips where there is no Chromium."""
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright, of the extra 'test'")
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*QUIET, *arguments])
        try:
            yield browser
        finally:
            browser.close()
