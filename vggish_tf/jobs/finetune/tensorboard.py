"""TensorBoard logs of a training, written by TensorFlow alone, without TensorBoard."""

from pathlib import Path

from vggish_tf.jobs.finetune.progress import Progress


class Logs:
    """Event files with all numbers of the history."""

    def __init__(self, folder: Path):
        import tensorflow as tf

        self.writer = tf.summary.create_file_writer(str(folder))

    def write(self, progress: Progress):
        import tensorflow as tf

        metadata = tf.compat.v1.SummaryMetadata()
        metadata.plugin_data.plugin_name = "scalars"
        with self.writer.as_default(step=progress.epoch):
            for name, value in progress.history[-1].items():
                tf.summary.write(name, tf.constant(value, tf.float32), metadata=metadata)
        self.writer.flush()
