"""The notebook runs in a fresh kernel, and its stored outputs are those of such a run."""

import base64
import io
import re
import shlex

import nbformat
import numpy as np
import places
import pytest
import run_notebook
from nbclient.exceptions import CellExecutionError
from PIL import Image

from vggish_tf import Params, cli
from vggish_tf.cli import options

ROOT = places.ROOT
NOTEBOOK = ROOT / "examples" / "understanding_vggish.ipynb"
MOST_BYTES = 1_500_000


@pytest.fixture
def kernel_finds_this_package(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def texts(notebook) -> list[str]:
    """Text that each cell of code prints or returns, without pictures."""
    return [
        "".join(map(text_of, cell.outputs)) for cell in notebook.cells if cell.cell_type == "code"
    ]


def text_of(output) -> str:
    return (
        output.text
        if output.output_type == "stream"
        else output.get("data", {}).get("text/plain", "") + "\n"
    )


def pictures(notebook) -> list[Image.Image]:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    encoded = [
        output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})
    ]
    return [Image.open(io.BytesIO(base64.b64decode(picture))) for picture in encoded]


@pytest.mark.slow
def test_the_kept_outputs_are_those_of_a_fresh_run(kernel_finds_this_package):
    kept, fresh = nbformat.read(NOTEBOOK, as_version=4), run_notebook.run(NOTEBOOK)
    assert texts(kept) == texts(fresh)
    assert [picture.size for picture in pictures(kept)] == [
        picture.size for picture in pictures(fresh)
    ]
    for old, new in zip(pictures(kept), pictures(fresh), strict=True):
        # Another matplotlib draws letters otherwise; another curve or another spectrogram is more
        # than that.
        difference = np.abs(
            np.asarray(old.convert("L"), float) - np.asarray(new.convert("L"), float)
        )
        assert difference.mean() < 4


def test_the_file_is_small_and_has_every_picture_and_no_errors():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert NOTEBOOK.stat().st_size < MOST_BYTES
    assert len(pictures(notebook)) == 9
    assert all(np.ptp(np.asarray(picture.convert("L"))) > 100 for picture in pictures(notebook))
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    kinds = {"stream", "display_data", "execute_result"}
    assert {output.output_type for output in outputs} == kinds
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))


def test_untrained_weights_are_called_that():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert "**The network at the end is untrained.**" in notebook.cells[0].source
    (network,) = [cell for cell in notebook.cells if "weights=None, params" in cell.source]
    assert "UNTRAINED embedding" in text_of(network.outputs[0])


def test_the_command_at_the_end_has_the_params_of_the_notebook():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    (command,) = re.findall(r"vggish-tf inspect .*", notebook.cells[-1].source)
    args = cli.parser().parse_args(shlex.split(command)[1:])
    assert args.native_rate
    names: dict = {"Params": Params, "RATE": 250_000}
    cells = "\n".join(cell.source for cell in notebook.cells)
    exec("\n".join(re.findall(r"^(?:short|ultrasound) .*", cells, re.MULTILINE)), names)
    assert options.params_of(args, {"sample_rate": 250_000}) == names["ultrasound"]


def test_a_cell_that_fails_is_an_error_and_leaves_the_file(tmp_path):
    path = tmp_path / "broken.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")]), path)
    before = path.read_bytes()
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        run_notebook.run(path)
    assert path.read_bytes() == before
