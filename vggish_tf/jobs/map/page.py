"""The page of a map: one HTML file that holds its style, its script and its data.

The data are arrays in base64 and one JSON object, in elements that the script reads by their id.
The page loads no other files but audio. It is made from web/map and web/shared; nothing is computed
here.
"""

import base64
import html
import json
import os
import re
from collections.abc import Iterator, Sequence
from string import Template

import numpy as np

from vggish_tf import web
from vggish_tf.files import replacing_text
from vggish_tf.jobs.map.parts import Part

# In an order in which each script uses only names of those before it.
SCRIPTS = (
    *("shared/colours.js", "shared/save.js", "map/data.js", "map/view.js", "map/grid.js"),
    *("map/painter.js", "map/marks.js", "map/looks.js", "map/player.js", "map/panels.js"),
    *("map/gestures.js", "map/map.js"),
)


def write(path: str | os.PathLike[str], parts: Sequence[Part]) -> None:
    """Writes the page of all parts, whole or not at all.

    Raises:
        VGGishError: the page cannot be written.
    """
    about = {name: value for part in parts for name, value in part.about.items()}
    template = (web.FOLDER / "map" / "map.html").read_text(encoding="utf-8")
    text = Template(template).substitute(
        title=html.escape(about["title"]),
        style=(web.FOLDER / "map" / "map.css").read_text(encoding="utf-8"),
        data="\n".join(_elements(about, parts)),
        script=_script(),
    )
    with replacing_text(path) as file:
        file.write(text)


def _elements(about: dict, parts: Sequence[Part]) -> Iterator[str]:
    """Yields the elements of the data, in which no text can end its element."""
    text = json.dumps(about, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    yield f'<script type="application/json" id="about">{text}</script>'
    for part in parts:
        yield from (_element(name, _bytes_of(array)) for name, array in part.arrays.items())
        yield from (_element(f"clip-{number}", clip) for number, clip in enumerate(part.clips))


def _element(name: str, data: bytes) -> str:
    text = base64.b64encode(data).decode("ascii")
    return f'<script type="text/plain" id="{name}">{text}</script>'


def _bytes_of(array: np.ndarray) -> bytes:
    """The bytes of an array, little-endian: float32, float64, uint8, or uint32 for integers."""
    kind = {"i": "<u4", "u": "|u1"}.get(array.dtype.kind, array.dtype.newbyteorder("<"))
    return np.ascontiguousarray(array).astype(kind).tobytes()


def _script() -> str:
    """All modules as one script, without imports and `export`, since all names are in one scope."""
    modules = ((web.FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS)
    return "\n".join(re.sub(r"(?m)^import .*\n|^export ", "", module) for module in modules)
