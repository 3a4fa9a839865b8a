"""In a real kernel: figures, axes and tables are seen, with pyplot's inline backend and without."""

import base64
import io

import nbformat
import numpy as np
import places
import pytest
from nbclient import NotebookClient
from PIL import Image

CELLS = [
    """
import sys
from drawing import make_stages
from vggish_tf import drawing
clip = make_stages()
drawing.show(clip)
""",
    "drawing.draw_log_mel(clip)",
    "ax = drawing.draw_log_mel(clip)",
    "ax.figure",
    "print('matplotlib.pyplot' in sys.modules)",
    "clip.params",
    """
from vggish_tf.rows import Embeddings
Embeddings(clip.embedding, clip.timestamps, 0.96, untrained=True)
""",
    "%matplotlib inline",
    "drawing.show(clip)",
    "drawing.draw_log_mel(clip)",
    """
import matplotlib.pyplot as plt
figure, ax = plt.subplots()
drawing.draw_log_mel(clip, ax=ax);
""",
    "plt.get_fignums()",
]

pytestmark = pytest.mark.slow  # a kernel starts


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """Of each cell the outputs, in one kernel."""
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("PYTHONPATH", f"{places.ROOT}:{places.HELPERS}")
    monkeypatch.delenv("MPLBACKEND", raising=False)
    notebook = nbformat.v4.new_notebook(cells=[*map(nbformat.v4.new_code_cell, CELLS)])
    folder = {"metadata": {"path": str(tmp_path_factory.mktemp("kernel"))}}
    NotebookClient(notebook, timeout=300, resources=folder).execute()
    monkeypatch.undo()
    return [_without_stderr(cell.outputs) for cell in notebook.cells]


def _without_stderr(outputs):
    return [output for output in outputs if output.get("name") != "stderr"]


def picture(outputs):
    """The only output of a cell, a picture."""
    (output,) = outputs
    image = Image.open(io.BytesIO(base64.b64decode(output["data"]["image/png"])))
    assert np.ptp(np.asarray(image.convert("L"))) > 100
    return image


def test_a_figure_is_seen_without_pyplot(outputs):
    assert picture(outputs[0]).width == 1320  # 12 inches of 110 dots
    assert outputs[4][0].text == "False\n"


def test_axes_of_their_own_are_seen_as_their_picture(outputs):
    assert picture(outputs[1]).size == (880, picture(outputs[3]).height)
    assert outputs[2] == []


def test_with_the_inline_backend_they_are_seen_once(outputs):
    assert picture(outputs[8]).width > 500
    assert picture(outputs[9]).width == 880


def test_axes_of_pyplot_are_drawn_into_and_no_figure_of_ours_is_pyplots(outputs):
    assert picture(outputs[10]).width > 400
    assert outputs[11][0]["data"]["text/plain"] == "[]"


def test_tables_are_html_and_text_is_there_beside_it(outputs):
    for number, words in ((5, "16,000 Hz"), (6, "UNTRAINED WEIGHTS")):
        (output,) = outputs[number]
        assert words in output["data"]["text/html"]
    assert outputs[5][0]["data"]["text/plain"] == "Params()"
    assert outputs[6][0]["data"]["text/plain"].startswith("Embeddings((3, 128) float32")
