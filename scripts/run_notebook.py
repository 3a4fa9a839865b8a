"""Runs a notebook from its first cell to its last and writes its outputs back into it.

    python scripts/run_notebook.py examples/understanding_vggish.ipynb

Needs the `test` extra. Times, versions, and standard error, where TensorFlow describes the
processor, are left out of the file: they differ from run to run or machine to machine. An error in
a cell leaves the file unchanged.
"""

import argparse
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from vggish_tf.files import replacing

SECONDS = 600  # for each cell


def run(path: Path) -> nbformat.NotebookNode:
    """The notebook with the outputs of a new run, in its own kernel.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed; the message has its traceback.
    """
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=SECONDS, resources=resources).execute()
    notebook.metadata.language_info = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata.clear()
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("notebooks", nargs="+", type=Path)
    for path in parser.parse_args().notebooks:
        notebook = run(path)
        with replacing(path) as temporary:
            nbformat.write(notebook, temporary)
        print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
