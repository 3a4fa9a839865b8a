"""TensorFlow without its advice to migrate, which users of TF1 formats do not need."""

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf


@contextmanager
def quiet() -> Iterator[None]:
    """Logs errors only."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)
