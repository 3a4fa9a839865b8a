"""Draws the rooms of the package and the imports between them, docs/architecture.svg.

    apt-get install graphviz
    python scripts/draw_rooms.py

The rooms and their descriptions come from the table in CONTRIBUTING.md, the arrows from the
imports. An arrow that follows from others is left out, and so are those to the ground, the first
row of the table.
"""

import subprocess
import sys
import textwrap
from collections.abc import Iterator

import rooms
from rooms import Box

PICTURE = rooms.ROOT / "docs" / "architecture.svg"
GROUND = "the ground, for all rooms"
COLOR, COLORS = "#e3edf7", {"ground": "#f5f5f5", "jobs": "#fbe3d6", "reference": "#f5f5f5"}
STYLE = """
rankdir=BT; nodesep=0.3; ranksep=0.35; bgcolor=white; pad=0.2;
node [shape=box, style="rounded,filled", color="#5b7fa6", margin="0.14,0.07"];
node [fontname="Helvetica,Arial,sans-serif", fontsize=11];
edge [color="#5b7fa6", arrowsize=0.7];
"""
BOLD = "<style>.node text:first-of-type { font-weight: bold }</style>"

Graph = dict[str, set[str]]  # room → rooms that it imports from


def graph(rows: list[Box], imports: Graph) -> Graph:
    """The imports between the boxes, without those from the ground."""
    _, *above = rows
    box_of = {room: box.rooms[0] for box in above for room in box.rooms}
    found: Graph = {box.rooms[0]: set() for box in above}
    for room, others in imports.items():
        if room in box_of:
            found[box_of[room]] |= {box_of[other] for other in others if other in box_of}
    return {name: others - {name} for name, others in found.items()}


def reduced(arrows: Graph) -> Graph:
    """The arrows that do not follow from others.

    Example:
        >>> reduced({"a": set(), "b": {"a"}, "c": {"a", "b"}})["c"]
        {'b'}
    """
    further = {name: set().union(*(_reached(arrows, n) for n in arrows[name])) for name in arrows}
    return {name: arrows[name] - further[name] for name in arrows}


def _reached(arrows: Graph, name: str) -> set[str]:
    return set().union(arrows[name], *(_reached(arrows, other) for other in arrows[name]))


def levels(arrows: Graph) -> Iterator[list[str]]:
    """The boxes in order, as many side by side as do not import one another."""
    level: list[str] = []
    for name in arrows:
        if arrows[name] & {*level}:
            yield level
            level = []
        level.append(name)
    yield level


def dot(rows: list[Box], arrows: Graph) -> str:
    """The picture in the language of Graphviz: a row a level, invisible arrows in between."""
    ground, *others = rows
    lines = [_node("ground", GROUND, ", ".join(ground.files), 64)]
    lines += [_node(box.rooms[0], ", ".join(box.files), box.words, 24) for box in others]
    above = ["ground"]
    for level in levels(arrows):
        lines.append(f"{{rank=same; {'; '.join(level)}}}")
        lines += [f"{name} -> {above[0]} [style=invis]" for name in level]
        above = level
    for name, imported in arrows.items():
        lines += [f"{name} -> {other}" for other in sorted(imported)]
    return f"digraph rooms {{{STYLE}{chr(10).join(lines)}\n}}\n"


def _node(name: str, title: str, words: str, width: int) -> str:
    label = "\\n".join([title, *textwrap.wrap(words, width, break_on_hyphens=False)])
    return f'{name} [label="{label}", fillcolor="{COLORS.get(name, COLOR)}"]'


def drawn(text: str) -> str:
    """The picture as SVG, with the first line of each box in bold.

    Raises:
        SystemExit: Graphviz is not installed.
    """
    try:
        result = subprocess.run(
            ["dot", "-Tsvg"], input=text, capture_output=True, text=True, check=True
        )
    except FileNotFoundError:
        sys.exit("The program dot was not found. Install Graphviz: apt-get install graphviz")
    return result.stdout.replace('<g id="graph0"', f'{BOLD}\n<g id="graph0"', 1)


def main():
    rows = rooms.boxes()
    picture = drawn(dot(rows, reduced(graph(rows, rooms.room_imports()))))
    PICTURE.write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
