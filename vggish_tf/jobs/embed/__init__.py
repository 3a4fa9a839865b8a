"""Embedding of files: one npz a file, or an archive of any size.

files      a few files → an npz each
inputs     files, folders, globs, lists, tables, shards → clips
records    units of work, and which are done
progress   a bar for people, JSON for machines
archive    embed_archive(): clips → a folder of Parquet shards, resumable
"""

from vggish_tf.jobs.embed.archive import embed_archive
from vggish_tf.jobs.embed.files import embed_each, plan
from vggish_tf.jobs.embed.inputs import are_files

__all__ = ["are_files", "embed_archive", "embed_each", "plan"]
