"""Embedding of files: an npz for each file, or an archive of any size.

files      a few files → an npz for each
stores     file systems: this machine's, or Beam's
clips      a clip: its place, its samples, its rows or its failure; embed_bytes()
inputs     files, folders, globs, lists, tables, shards → clips
units      clips → units of work
records    the units of an output that are done, and their settings
progress   counts, a bar for people, JSON for programs
work       a unit → a shard of Parquet and a record
archive    embed_archive(): all of these, resumable
beside     embed_beside(): an archive beside the sounds, which the next call updates
"""

from vggish_tf.jobs.embed.archive import embed_archive, table_of_failures
from vggish_tf.jobs.embed.beside import embed_beside
from vggish_tf.jobs.embed.clips import Failure, embed_bytes, embed_many
from vggish_tf.jobs.embed.files import embed_each, plan
from vggish_tf.jobs.embed.inputs import local_files
from vggish_tf.jobs.embed.work import work_here

__all__ = [
    "Failure",
    "embed_archive",
    "embed_beside",
    "embed_bytes",
    "embed_each",
    "embed_many",
    "local_files",
    "plan",
    "table_of_failures",
    "work_here",
]
