"""Embedding of files: one npz a file, or an archive of any size.

files      a few files → an npz each
stores     where files are: this machine, or Beam's file systems
clips      a clip: where its sound is; its samples; its rows or its failure; embed_bytes()
inputs     files, folders, globs, lists, tables, shards → clips
units      clips → units of work
records    which units of an output are done, and how
progress   a bar for people, JSON for machines
work       a unit → a shard of Parquet and a record
archive    embed_archive(): all of it, resumable
beside     embed_beside(): an archive beside the sounds, which the next call takes up
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
