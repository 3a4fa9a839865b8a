"""Files of weights from one format to another; the numbers stay equal to the last bit.

weights.readers has the formats that can be read.
"""

import os
import shutil
import zipfile
from pathlib import Path

import keras

from vggish_tf.errors import VGGishError
from vggish_tf.files import replacing_all
from vggish_tf.network import backbone
from vggish_tf.weights import loading, readers, writers
from vggish_tf.weights.identity import Identity, survey
from vggish_tf.weights.paths import expanded
from vggish_tf.weights.readers.hdf5 import WEIGHTS_PART


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
        source, average: as for `load_weights`.
        output: a file, or the prefix of a TF1 V2 checkpoint.
        format: "safetensors", "v1", "v2", "keras", "h5" or "torch"; None chooses by the suffix.
        overwrite: whether an existing `output` may be replaced.

    Returns:
        Identity: that of the source.

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
    names = [f"{path.name}{ending}" for ending in writers.ENDINGS.get(chosen, [""])]
    with (
        writers.errors_about(path),
        replacing_all([path.parent / name for name in names]) as folder,
    ):
        _write(chosen, folder / path.name, network, identity)
        with readers.opened(folder / path.name) as written:
            found = survey(written.shapes, written.get)
        if found.values_sha256 != identity.values_sha256:
            raise VGGishError(f"cannot write {path}: its weights would differ. That is a bug.")
    return identity


def _write(format: str, path: Path, network: keras.Model, identity: Identity):
    match format:
        case "keras":
            network.save(path)
        case "h5":
            _put_h5(path, network)
        case "v1":
            writers.put_v1(path, loading.values_of(network))
        case "v2":
            writers.put_v2(path, loading.values_of(network))
        case "torch":
            writers.put_torch(path, loading.values_of(network))
        case "safetensors":
            metadata = loading.metadata_of(identity)
            writers.put_safetensors(path, loading.values_of(network), metadata)


def _put_h5(path: Path, network: keras.Model):
    """Writes a `.weights.h5`: that of a `.keras` file, which Keras makes in memory.

    At a full disk, HDF5 would end the process by a segmentation fault.
    """
    whole = path.with_name("whole.keras")
    network.save(whole)
    with (
        zipfile.ZipFile(whole) as archive,
        archive.open(WEIGHTS_PART) as part,
        open(path, "xb") as file,
    ):
        shutil.copyfileobj(part, file)
