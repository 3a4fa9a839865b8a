"""`vggish-tf` in a process of its own, in which all networks are small."""

import os
import sys

import places

# Keras by the package first, which keeps TensorFlow quiet
SMALL = """
import sys
from vggish_tf import Embedder, cli
import small_network
small_network.shrink()
"""


def program(*arguments, code: str = SMALL) -> list[str]:
    """The command line; `code` runs before the command, and imports `sys` and `cli`."""
    run = f"{code}\nsys.exit(cli.main(sys.argv[1:]))"
    return [sys.executable, "-c", run, *map(str, arguments)]


def environment() -> dict[str, str]:
    """This one's, with the helpers of the tests to import."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(places.HELPERS), *sys.path])}
