"""All pages of docs/: their names, and their sessions."""

import doctest

import pages
import places

DOCS = places.ROOT / "docs"
NAMES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def failures(text: str) -> int:
    """How many examples of a session print something else than it says."""
    failed, attempted = pages.run_examples(text, flags=FLAGS)
    assert attempted
    return failed
