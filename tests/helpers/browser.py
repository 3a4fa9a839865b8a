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
def playwright() -> Iterator:
    """Playwright, which a process can start once at a time; skips where it is not installed."""
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright, of the extra 'test'")
    with api.sync_playwright() as started:
        yield started


@contextmanager
def launched(started, *arguments: str) -> Iterator:
    """A Browser of playwright(); skips where there is no Chromium."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed")
    browser = started.chromium.launch(executable_path=program, args=[*QUIET, *arguments])
    try:
        yield browser
    finally:
        browser.close()


@contextmanager
def chromium(*arguments: str) -> Iterator:
    """A Browser of its own; skips where there is no Playwright or no Chromium."""
    with playwright() as started, launched(started, *arguments) as browser:
        yield browser
