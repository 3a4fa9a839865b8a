"""The first release's name of jobs.inspect."""

from vggish_tf.jobs.inspect import inspect as inspect
