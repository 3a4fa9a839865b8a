"""The metadata is in pyproject.toml, but for the page of a package index, made from README.md."""

import re
from pathlib import Path

import setuptools

readme = Path(__file__).with_name("README.md").read_text(encoding="utf-8")
# The index has no other file: a link to one becomes its path, and pictures are left out.
readme = re.sub(r"<img [^>]*>\n+", "", readme)
readme = re.sub(r"\[([^]]*)\]\((?!https?:)([^)]*)\)", r"\1 (`\2`)", readme)
setuptools.setup(long_description=readme, long_description_content_type="text/markdown")
