"""Files of weights from one format to another; the numbers stay equal to the last bit.

Reading is the part of weights.readers, and so is what may be read.
"""

import os
from pathlib import Path

import keras

from vggish_tf.errors import VGGishError
from vggish_tf.files import replacing_all
from vggish_tf.network import backbone
from vggish_tf.weights import loading, readers, writers
from vggish_tf.weights.identity import Identity, survey
from vggish_tf.weights.paths import expanded
from vggish_tf.weights.readers.safetensors_file import VALUES_SHA256


def convert_weights(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    format: str | None = None,
    average: str = "",
    overwrite: bool = False,
) -> Identity:
    """Writes the weights of a file in another format, and reads them back to compare.

    Args:
        source, average: as in `load_weights`.
        output: a file; of a TF1 V2 checkpoint the prefix.
        format: "safetensors", "v1", "v2", "keras", "h5" or "torch"; None for that of the suffix.
        overwrite: replace `output` if it exists.

    Returns:
        Identity: of the source.

    Raises:
        UsageError: no format is known for the suffix.
        CheckpointError: as `load_weights`.
        VGGishError: the output exists, cannot be written, or needs a package that is not installed.

    Example:
        >>> convert_weights("mine.pth", "mine.safetensors")
        Traceback (most recent call last):
        vggish_tf.errors.CheckpointError: there is no checkpoint at mine.pth. Give the path of ...
    """
    path = expanded(output)
    chosen = writers.check_output(source, path, format=format, overwrite=overwrite)
    network = backbone.network(dtype="float32", initializer="zeros")
    identity = loading.load_weights(network, source, average=average)
    _write(chosen, path, network, identity)
    with readers.opened(path) as written:
        found = survey(written.shapes, written.get)
    if found.values_sha256 != identity.values_sha256:
        raise VGGishError(f"{path} does not hold the weights of {source}: that is a bug.")
    return identity


def _write(format: str, path: Path, network: keras.Model, identity: Identity):
    if format in ("keras", "h5"):
        with replacing_all([path]) as folder:
            written = folder / path.name
            network.save(written) if format == "keras" else network.save_weights(written)
        return
    values = loading.values_of(network)
    match format:
        case "v1":
            writers.write_v1(path, values)
        case "v2":
            writers.write_v2(path, values)
        case "torch":
            writers.write_torch(path, values)
        case "safetensors":
            writers.write_safetensors(path, values, _metadata_of(identity))


def _metadata_of(identity: Identity) -> dict[str, str]:
    """The identity as texts; the digest of the values is compared when they are loaded."""
    texts = {name: str(value) for name, value in identity.as_json().items() if value is not None}
    return {**texts, VALUES_SHA256: identity.values_sha256}
