"""Folders: of the repository, of these helpers, and of the data that lies beside the repository."""

from pathlib import Path

HELPERS = Path(__file__).parent
TESTS = HELPERS.parent
ROOT = TESTS.parent
SHARED_DATA = ROOT.parent / "shared" / "data"
