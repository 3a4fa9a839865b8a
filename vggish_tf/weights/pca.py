"""PCA parameters of the postprocessor: the matrix and the means, from every file that holds them.

These are an npz as published, torchvggish's file, and a Keras file with a postprocessing layer:
vggish-keras's `.h5` or this package's `.keras`. They are recognized by their content.

Source: tensorflow/models vggish_postprocess.py; vggish-keras's postprocess.py, whose matrix is
`pca_matrix`; torchvggish's release.
"""

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from vggish_tf.archives import read_member
from vggish_tf.errors import CheckpointError, VGGishError
from vggish_tf.params import EMBEDDING_SIZE, PCA_EIGEN_VECTORS_NAME, PCA_MEANS_NAME
from vggish_tf.weights import readers, registry
from vggish_tf.weights.readers import hdf5, torch_file

PCA_BYTES = 16 * EMBEDDING_SIZE**2 + (1 << 12)  # the matrix in long double, and NumPy's header
SHAPES = {
    PCA_EIGEN_VECTORS_NAME: (EMBEDDING_SIZE, EMBEDDING_SIZE),
    PCA_MEANS_NAME: (EMBEDDING_SIZE,),
}
OTHER_NAMES = {"pca_matrix": PCA_EIGEN_VECTORS_NAME}  # vggish-keras's


def read(weights: str | os.PathLike[str] | None) -> tuple[np.ndarray, np.ndarray]:
    """Reads the PCA matrix (128, 128) and means (128,), float64.

    Args:
        weights: "audioset" for the published parameters (from the cache, or fetched), the path of a
            file, or None for the identity matrix and zero means.

    Raises:
        CheckpointError: there is no such file, it has no PCA parameters, or it is an npz with other
            arrays too.
        VGGishError: the file needs PyTorch, which is not installed.
    """
    if weights is None:
        return np.eye(EMBEDDING_SIZE), np.zeros(EMBEDDING_SIZE)
    path = registry.resolve(weights, kind="pca")
    try:
        arrays, others = _arrays_in(path)
    except CheckpointError as error:
        raise CheckpointError(readers.with_path(path, str(error))) from None
    except VGGishError:
        raise
    except Exception:  # a damaged file raises errors of zlib, NumPy, tokenize and others
        raise CheckpointError(
            f"{path} holds no PCA parameters, or is damaged. For the published ones, run: "
            "vggish-tf fetch"
        ) from None
    found = {name: values.shape for name, values in arrays.items()}
    if found != SHAPES or others:
        more = f" and others: {', '.join(map(repr, others[:4]))}" if others else ""
        raise CheckpointError(f"{path} must hold {SHAPES}; it holds {found}{more}.")
    for name, values in arrays.items():
        if values.dtype.kind != "f":
            raise CheckpointError(f"{path} holds {name!r} as {values.dtype}, not floating point.")
    if not all(np.isfinite(values).all() for values in arrays.values()):
        raise CheckpointError(f"{path} holds NaN or infinity.")
    eigen_vectors, means = (arrays[name].astype(np.float64, copy=False) for name in SHAPES)
    return eigen_vectors, means


def _arrays_in(path: Path) -> tuple[dict[str, np.ndarray], list[str]]:
    """The parameters of a file by name, and the names of all other arrays of an npz."""
    match readers.format_of(path):
        case "npz":
            return _of_npz(path)
        case "PyTorch":
            values = torch_file.values_in(path, readers.most_bytes())
            return _taken(values, torch_file.array_of), []
        case "HDF5":
            return _of_keras(path), []
        case "Keras":
            return _of_keras(hdf5.unpacked(path, readers.most_bytes())), []
    raise ValueError("no format that holds PCA parameters")


def _of_npz(path: Path) -> tuple[dict[str, np.ndarray], list[str]]:
    arrays, others = {}, []
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            name = member.removesuffix(".npy")
            if name in SHAPES:
                content = read_member(archive, member, PCA_BYTES)
                arrays[name] = np.lib.format.read_array(io.BytesIO(content))
            else:
                others.append(name)
    return arrays, others


def _of_keras(file: Path | io.BytesIO) -> dict[str, np.ndarray]:
    with hdf5.datasets_in(file) as datasets:
        return _taken(datasets, hdf5.array_of)


def _taken(values: dict[str, Any], array_of) -> dict[str, np.ndarray]:
    """The PCA parameters among the tensors of a model; the means as a vector."""
    arrays = {}
    for name, value in values.items():
        own = name.replace("/", ".").rsplit(".", 1)[-1]
        own = OTHER_NAMES.get(own, own)
        if own in SHAPES and value.shape in (SHAPES[own], (*SHAPES[own], 1)):
            arrays[own] = array_of(value, name).reshape(SHAPES[own])
    return {name: arrays[name] for name in SHAPES if name in arrays}
