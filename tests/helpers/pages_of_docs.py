"""Pages of docs/: their blocks of code, their commands, and a cache for those who run them."""

import dataclasses
import doctest
import re
from pathlib import Path

import places

from vggish_tf.weights import registry

DOCS = places.ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks(page: Path) -> list[tuple[str, str]]:
    """Language and text of every block of code."""
    return re.findall(r"^```(\w*)\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def lines(page: Path) -> list[str]:
    """Lines of every block, those that end in a backslash joined to the next."""
    text = "".join(block for _, block in blocks(page))
    return text.replace("\\\n", " ").splitlines()


def failures(page: Path, names: dict) -> int:
    """How many lines of a page's sessions print something else than the page says."""
    text = "".join(block for language, block in blocks(page) if language == "python")
    session = doctest.DocTestParser().get_doctest(text, names, page.name, str(page), 0)
    assert session.examples
    return doctest.DocTestRunner(optionflags=FLAGS).run(session).failed


def publish(monkeypatch, cache: Path, **files: Path):
    """Makes files pass for published ones, in a cache of their own."""
    cache.mkdir(exist_ok=True)
    monkeypatch.setenv("VGGISH_TF_CACHE", str(cache))
    for name, path in files.items():
        published = registry.REGISTRY[name]
        (cache / published.filename).symlink_to(path)
        digests = {"md5": registry.md5_of(path), "sha256": None}
        mine = dataclasses.replace(published, **digests, num_bytes=path.stat().st_size)
        monkeypatch.setitem(registry.REGISTRY, name, mine)
