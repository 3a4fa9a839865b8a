"""Other programs without what they require, and with the weights in hand instead of downloads."""

import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import shutil
import sys
import tempfile
import types
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy as np

EMPTY = (  # modules that no row needs
    *("av", "encodec", "flashy", "hear21passt", "kapre", "laion_clap", "librosa", "msclap"),
    *("nnAudio", "torchlibrosa", "transformers", "torchmetrics", "datasets", "omegaconf"),
    *("pytrec_eval", "skimage", "pkg_resources", "ssr_eval"),
)
LAYERS = (  # of torchvggish, in the order of the data, and of the checkpoint
    ("features.0", "conv1"),
    ("features.3", "conv2"),
    ("features.6", "conv3/conv3_1"),
    ("features.8", "conv3/conv3_2"),
    ("features.11", "conv4/conv4_1"),
    ("features.13", "conv4/conv4_2"),
    ("embeddings.0", "fc1/fc1_1"),
    ("embeddings.2", "fc1/fc1_2"),
    ("embeddings.4", "fc2"),
)


class Inputs(NamedTuple):
    """The files that every program is given."""

    weights: Path
    pca: Path
    sources: Path


@contextlib.contextmanager
def seeded(inputs: Inputs) -> Iterator[None]:
    """torch.hub gives the weights in hand, and our layers the PCA parameters."""
    import torch

    with np.load(inputs.pca) as parameters:
        pca = dict(parameters)

    def downloaded(url: str, **kwargs) -> dict:
        return dict(pca) if "pca" in url else state_dict(inputs.weights)

    with (
        tempfile.TemporaryDirectory() as cache,
        mock.patch.dict(os.environ, VGGISH_TF_CACHE=cache),
        mock.patch.object(torch.hub, "load_state_dict_from_url", downloaded),
        mock.patch.object(torch.hub, "load", side_effect=lambda *asked, **given: hub_model(inputs)),
    ):
        shutil.copy(inputs.pca, Path(cache) / "vggish_pca_params.npz")
        yield


def hub_model(inputs: Inputs):
    """torch.hub.load("harritaylor/torchvggish", "vggish"), from the clone."""
    folder = inputs.sources / "torchvggish" / "torchvggish"
    if not folder.is_dir():
        raise ImportError("harritaylor/torchvggish is not cloned")
    package = types.ModuleType("torchvggish")
    package.__path__ = [str(folder)]
    sys.modules["torchvggish"] = package
    from torchvggish.vggish import VGGish

    model = VGGish({"vggish": "weights", "pca": "pca"})
    return model.eval()


def state_dict(checkpoint: Path) -> dict:
    """The weights under torchvggish's names, in PyTorch's order of axes."""
    import tensorflow as tf
    import torch

    reader = tf.train.load_checkpoint(str(checkpoint))
    values = {}
    for name, layer in LAYERS:
        kernel = reader.get_tensor(f"vggish/{layer}/weights")
        order = (3, 2, 0, 1) if kernel.ndim == 4 else (1, 0)
        values[f"{name}.weight"] = torch.from_numpy(np.ascontiguousarray(kernel.transpose(order)))
        values[f"{name}.bias"] = torch.from_numpy(reader.get_tensor(f"vggish/{layer}/biases"))
    return values


def alone(path: Path) -> Path:
    """A folder with the file alone, without what other programs wrote beside it."""
    folder = path.parent / "alone"
    folder.mkdir(exist_ok=True)
    target = folder / path.name
    if not target.exists():
        target.symlink_to(path)
    return folder


@contextlib.contextmanager
def source(inputs: Inputs, clone: str) -> Iterator[None]:
    """The modules of a clone, for a while: their names are common words."""
    folder = str(inputs.sources / clone)
    if not Path(folder).is_dir():
        raise ImportError(f"{clone} is not cloned")
    with mock.patch.object(sys, "path", [folder, *sys.path]):
        yield


def source_module(name: str):
    """A module of an installed package, without what the package imports for others."""
    *parents, _ = name.split(".")
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.find_spec(parents[0])
    if spec is None or spec.origin is None:
        raise ImportError(f"{parents[0]} is not installed")
    folder = Path(spec.origin).parent
    for depth in range(1, len(parents) + 1):
        package = types.ModuleType(".".join(parents[:depth]))
        package.__path__ = [str(folder.joinpath(*parents[1:depth]))]
        sys.modules.setdefault(package.__name__, package)
    return importlib.import_module(name)


class EmptyModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds empty modules in the place of those that no row needs: every name in them is a mock.

    Args:
        names: of packages.
    """

    def __init__(self, names: Collection[str]):
        self.names = names

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return mock.MagicMock(__path__=[], __name__=spec.name, __spec__=spec, __file__=None)

    def exec_module(self, module):
        pass
