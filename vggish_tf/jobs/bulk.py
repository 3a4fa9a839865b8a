"""The first release's name of jobs.embed.embed_each, which writes an npz for each file."""

from vggish_tf.jobs.embed.files import embed_each as embed_archive

__all__ = ["embed_archive"]
