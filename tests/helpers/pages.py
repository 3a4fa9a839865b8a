"""The pages of docs/: their names, and their code by its language and its heading."""

import doctest
import re
import shlex

import places

DOCS = places.ROOT / "docs"
NAMES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def text_of(page: str, heading: str = "") -> str:
    """A page, or the part of it under a heading."""
    text = (DOCS / page).read_text(encoding="utf-8")
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


def commands(page: str) -> list[list[str]]:
    """The words of each command, without the comment behind it."""
    words = [shlex.split(line, comments=True) for line in lines(page, "sh")]
    return [each for each in words if each]


def lines(page: str, language: str) -> list[str]:
    """Lines of the blocks of code, those that end in a backslash joined to the next."""
    return "".join(code(page, language)).replace("\\\n", " ").splitlines()


def run_session(page: str, names: dict | None = None, flags: int = 0) -> doctest.TestResults:
    """Runs the sessions of a page as one; returns how many examples failed, and how many ran."""
    return run_examples("".join(code(page, "python")), names, flags)


def run_examples(text: str, names: dict | None = None, flags: int = 0) -> doctest.TestResults:
    """The same for a text."""
    session = doctest.DocTestParser().get_doctest(text, names or {}, "page", "page", 0)
    return doctest.DocTestRunner(optionflags=flags).run(session)


def headings(page: str) -> list[str]:
    return re.findall(r"^## (.*)", text_of(page), re.MULTILINE)
