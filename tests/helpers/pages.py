"""Code of the pages in docs/, by its language and the heading that it stands under."""

import re

import places


def text_of(page: str, heading: str = "") -> str:
    """A page, or the part of it under a heading."""
    text = (places.ROOT / "docs" / page).read_text(encoding="utf-8")
    parts = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE))
    return parts[heading] if heading else text


def code(page: str, language: str, heading: str = "") -> list[str]:
    """The blocks of one language, as they stand on the page."""
    pattern = rf"^```{language}\n(.*?)^```"
    return re.findall(pattern, text_of(page, heading), re.DOTALL | re.MULTILINE)


def run_python(page: str, heading: str = "") -> dict:
    """Runs the Python, block after block; returns the names that it leaves."""
    names: dict = {}
    blocks = code(page, "python", heading)
    assert blocks, f"{page} has no Python {heading}"
    for block in blocks:
        exec(compile(block, f"{page} {heading}", "exec"), names)
    return names


def headings(page: str) -> list[str]:
    return re.findall(r"^## (.*)", text_of(page), re.MULTILINE)
