"""The first release's name of jobs.embed."""

from vggish_tf.jobs.embed import embed_archive as embed_archive
