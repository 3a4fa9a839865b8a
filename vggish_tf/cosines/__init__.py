"""Comparison of rows by their cosines: exact, in float64, with the hits in a fixed order.

blocks        rows that are compared together, and their directions
scan          Nearest: the best rows for a query, block after block
neighbours    the nearest other rows of each row

Equally near rows have the order of the archive. Nothing is read or embedded here.
"""

from vggish_tf.cosines.blocks import (
    BLOCK_ROWS,
    Block,
    blocks_of,
    directions,
    floats,
    have_direction,
)
from vggish_tf.cosines.neighbours import Neighbours, neighbours_of
from vggish_tf.cosines.scan import Hit, Nearest, check_sizes

__all__ = [
    "BLOCK_ROWS",
    "Block",
    "Hit",
    "Nearest",
    "Neighbours",
    "blocks_of",
    "check_sizes",
    "directions",
    "floats",
    "have_direction",
    "neighbours_of",
]
