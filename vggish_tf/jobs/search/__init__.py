"""Search: the segments of an archive that are nearest to a query, by the cosine of their rows.

query      rows, an archive or audio → the rows of the query, made like those of the archive
scan       nearest(): every row is compared, block after block (cosines/)
places     the file and the times of a row, by its number
index      an approximate index beside the archive, for many millions of rows
tables     hits → a table, JSON, CSV, Audacity labels, a Raven selection table
"""

from vggish_tf.cosines import Hit
from vggish_tf.jobs.search.index import Index, open_index
from vggish_tf.jobs.search.query import embedder_for, holds_rows, read
from vggish_tf.jobs.search.scan import nearest
from vggish_tf.jobs.search.tables import as_text, write_audacity, write_csv, write_raven

__all__ = [
    "Hit",
    "Index",
    "as_text",
    "embedder_for",
    "holds_rows",
    "nearest",
    "open_index",
    "read",
    "write_audacity",
    "write_csv",
    "write_raven",
]
