"""Numbers in files of weights: only floating-point ones are weights."""

from vggish_tf.errors import CheckpointError


def check_floating(dtype: str, name: str) -> None:
    """Raises if the dtype of a tensor is not floating point.

    Raises:
        CheckpointError: with the tensor's name and dtype.

    Example:
        >>> check_floating("float16", "vggish/conv1/weights")
    """
    if dtype not in ("float16", "bfloat16", "float32", "float64"):
        raise CheckpointError(f"{name!r} in the checkpoint is {dtype}, not floating point.")
