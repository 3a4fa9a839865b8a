"""The rooms of the package, read from the table in CONTRIBUTING.md, and the imports between them.

tests/project/test_layout.py holds the rule, and draw_rooms.py draws the picture.
"""

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import vggish_tf

PACKAGE = Path(vggish_tf.__file__).parent
ROOT = Path(__file__).parents[1]
TABLE = re.compile(r"^\| `vggish_tf/` \|.*?\n\n", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| (`.*`) \| (.*) \|$", re.MULTILINE)


class Box(NamedTuple):
    """A row of the table: files and folders of the package, and their description."""

    files: list[str]
    words: str

    @property
    def rooms(self) -> list[str]:
        """Their names as modules."""
        return [file.removesuffix("/").removesuffix(".py") for file in self.files]


def boxes() -> list[Box]:
    """The rows of the table, top to bottom; the first is the ground."""
    (table,) = TABLE.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8") + "\n\n")
    return [
        Box(re.findall(r"`([^`]+)`", files), words.replace("`", ""))
        for files, words in ROW.findall(table)
    ]


# The data flow. The oracle stands by itself.
ROOMS = [room for box in boxes() for room in box.rooms if room != "reference"]


def imports_of(module: str, source: str) -> set[str]:
    """The modules and names that a source imports, in full, wherever in it:
    `vggish_tf.embedding.Embedder`.
    """
    nodes = list(ast.walk(ast.parse(source)))
    bound = {local: name for node in nodes for local, name in _bound(node, module)}
    found = {*bound.values(), *(name for node in nodes for name in _reached(node, bound))}
    return {_home(name) for name in found}


def _bound(node: ast.AST, module: str) -> Iterator[tuple[str, str]]:
    """Local names, and what an import binds them to."""
    match node:
        case ast.Import(names=names):
            for alias in names:
                yield alias.asname or alias.name, alias.name
        case ast.ImportFrom(module=source, names=names, level=level):
            package = module.split(".")[: len(module.split(".")) - level] if level else []
            start = ".".join([*package, *([source] if source else [])])
            for alias in names:
                yield alias.asname or alias.name, f"{start}.{alias.name}"


def _reached(node: ast.AST, bound: dict[str, str]) -> Iterator[str]:
    """Names reached through an imported one, `jobs.finetune.train`, or imported by a call."""
    match node:
        case ast.Attribute():
            first, *rest = ast.unparse(node).split(".")
            if first == "vggish_tf" or first in bound:
                yield ".".join([bound.get(first, first), *rest])
        case ast.Call(args=[ast.Constant(value=str(name)), *more], func=func):
            if ast.unparse(func).rpartition(".")[2] in ("import_module", "__import__"):
                package = more[0].value if more and isinstance(more[0], ast.Constant) else None
                yield importlib.util.resolve_name(name, package)


def _home(name: str) -> str:
    """Where a name of the package's front door comes from: `vggish_tf.Embedder` is
    `vggish_tf.embedding.Embedder`.
    """
    first, _, rest = name.removeprefix("vggish_tf.").partition(".")
    if name.startswith("vggish_tf.") and first in vggish_tf._HOME:
        return ".".join(["vggish_tf", vggish_tf._HOME[first], first, *([rest] if rest else [])])
    return name


def module_of(path: Path) -> str:
    return ".".join(["vggish_tf", *path.relative_to(PACKAGE).with_suffix("").parts])


FILES = sorted(set(PACKAGE.rglob("*.py")) - {PACKAGE / "__init__.py"})


def room_imports() -> dict[str, set[str]]:
    """Room → the other rooms that its files import from, `reference` included."""
    names = [*ROOMS, "reference"]
    found: dict[str, set[str]] = {name: set() for name in names}
    for path in FILES:
        module = module_of(path)
        room = module.split(".")[1]
        imported = imports_of(module, path.read_text(encoding="utf-8"))
        found[room] |= {name.split(".")[1] for name in imported if name.startswith("vggish_tf.")}
    return {name: {other for other in found[name] if other in names} - {name} for name in names}
