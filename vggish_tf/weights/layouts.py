"""Layouts: the names and axes that each program gives the weights, and their published names.

A layout is found by its names, all 18 with one prefix; nothing is matched by position. Every other
tensor is named: as unused, which is an error, if it could belong to the network, otherwise as an
extra. No file is read here.

Source: vggish_slim.py (tensorflow/models); vggish.py of torchvggish, DTaoo/VGGish and
beasteers/VGGish (vggish-keras); _vggish_impl.py of torchaudio 2.8.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vggish_tf.errors import CheckpointError, listed
from vggish_tf.weights.published import LAYERS, NAMES

FLOATING = ("float16", "bfloat16", "float32", "float64")
Arrays = dict[str, np.ndarray]  # by name
Shapes = dict[str, tuple[int, ...]]


def unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """A dictionary of pairs.

    Raises:
        CheckpointError: two pairs have the same name.
    """
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise CheckpointError(f"it holds two tensors of the name {name!r}.")
        found[name] = value
    return found


@dataclass(frozen=True)
class Tensor:
    """A tensor in a file: its shape, the name of its dtype, and `read`, which returns it."""

    shape: tuple[int, ...]
    dtype: str
    read: Callable[[], np.ndarray]

    def transposed(self, axes: tuple[int, ...]) -> "Tensor":
        """The same with its axes in another order."""
        if sorted(axes) != list(range(len(self.shape))):
            return self  # of another rank: check_match reports its shape
        shape = tuple(self.shape[axis] for axis in axes)
        return Tensor(shape, self.dtype, lambda: self.read().transpose(axes))

    def as_float32(self, name: str) -> np.ndarray:
        """The values as float32.

        Raises:
            CheckpointError: the values are not floating-point numbers.
        """
        if self.dtype not in FLOATING:
            raise CheckpointError(
                f"{name!r} in the checkpoint is {self.dtype}, not floating point."
            )
        with np.errstate(over="ignore"):  # too large values become infinity, which is refused
            return np.ascontiguousarray(self.read(), np.float32)


@dataclass(frozen=True)
class Source:
    """An open file of weights, by published name.

    Args:
        shapes: the shape of each tensor; a tensor that is not VGGish's has its own name.
        get: a function that reads a tensor as float32.
        extras: names of tensors outside the network, such as an optimizer's state.
        metadata: texts by name, from the file's header.
    """

    shapes: Shapes
    get: Callable[[str], np.ndarray]
    extras: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)


TORCH_AXES = {4: (2, 3, 1, 0), 2: (1, 0)}  # rank → PyTorch's axes in the published order


@dataclass(frozen=True)
class Layout:
    """The names that one program gives the weights.

    Args:
        layers: names of the nine layers, in the order of the data.
        kinds: names of a layer's kernel and bias.
        joint: the text between the two names.
        is_torch: whether kernels are (out, in, height, width) and (out, in), instead of (height,
            width, in, out) and (in, out). The flattened axis always has the published order:
            height, width, channel.
    """

    layers: tuple[str, ...]
    kinds: tuple[str, str]
    joint: str = "/"
    is_torch: bool = False

    def names(self) -> dict[str, str]:
        """Own name → published name."""
        own = [f"{layer}{self.joint}{kind}" for layer in self.layers for kind in self.kinds]
        return dict(zip(own, NAMES, strict=True))

    def arranged(self, tensor: Tensor) -> Tensor:
        """A tensor of the program with the published order of axes."""
        axes = TORCH_AXES.get(len(tensor.shape)) if self.is_torch else None
        return tensor.transposed(axes) if axes else tensor

    def disarranged(self, value: np.ndarray) -> np.ndarray:
        """Published values with the program's order of axes."""
        axes = TORCH_AXES.get(value.ndim) if self.is_torch else None
        return value.transpose(np.argsort(axes)) if axes else value


PUBLISHED = Layout(tuple(LAYERS.values()), ("weights", "biases"))
_BLOCKS = ("conv1", "conv2", "conv3/conv3_1", "conv3/conv3_2", "conv4/conv4_1", "conv4/conv4_2")
_KERAS_KINDS = ("kernel", "bias")


def _keras(*dense: str) -> Layout:
    return Layout((*_BLOCKS, *dense), _KERAS_KINDS)


def _torch(features: str, embeddings: str) -> Layout:
    layers = [f"{features}.{n}" for n in (0, 3, 6, 8, 11, 13)]
    layers += [f"{embeddings}.{n}" for n in (0, 2, 4)]
    return Layout(tuple(layers), ("weight", "bias"), ".", is_torch=True)


TORCHVGGISH = _torch("features", "embeddings")  # of w-hc/vggish too
LAYOUTS = (
    PUBLISHED,
    Layout(tuple(LAYERS), _KERAS_KINDS),  # this package's models
    _keras("fc1/fc1_1", "fc1/fc1_2", "fc2"),  # vggish-keras
    _keras("vggish_fc1/fc1_1", "vggish_fc1/fc1_2", "vggish_fc2"),  # DTaoo
    TORCHVGGISH,
    _torch("features_network", "embedding_network"),  # torchaudio
)


def arranged(tensors: dict[str, Tensor], *, whole: bool = False) -> Source:
    """The tensors of a file by published name.

    Args:
        tensors: by their names in the file.
        whole: whether the file holds one network and nothing else, so that no tensor is an extra.

    Raises:
        CheckpointError: the file holds more than one VGGish.
    """
    layout, prefix, names = _chosen(list(tensors))
    found = {published: layout.arranged(tensors[own]) for published, own in names.items()}
    taken = set(names.values())
    rest = [name for name in tensors if name not in taken]
    blocks = {layer.split(".")[0] for layer in layout.layers} if layout.is_torch else set()
    ours = tuple(f"{prefix}{block}." for block in blocks)
    extras = {name for name in rest if not (whole or name.startswith(ours))}
    found |= {name: tensors[name] for name in rest if name not in extras}
    return Source(
        {name: tensor.shape for name, tensor in found.items()},
        lambda name: found[name].as_float32(name),
        tuple(sorted(extras)),
    )


def _chosen(names: list[str]) -> tuple[Layout, str, dict[str, str]]:
    """The layout and the prefix with the most names among `names`, and published name → name."""
    groups = {
        (layout, prefix): members
        for layout in LAYOUTS
        for prefix, members in _by_prefix(layout, names).items()
    }
    if (PUBLISHED, "") in groups or not groups:
        return PUBLISHED, "", groups.get((PUBLISHED, ""), {})
    most = max(map(len, groups.values()))
    largest = [key for key, members in groups.items() if len(members) == most]
    if most == len(NAMES) and len(largest) > 1:
        prefixes = ", ".join(sorted(repr(prefix) for _, prefix in largest))
        raise CheckpointError(
            f"it holds more than one VGGish, under the names {prefixes}. Give a file with one."
        )
    return *largest[0], groups[largest[0]]


def _by_prefix(layout: Layout, names: list[str]) -> dict[str, dict[str, str]]:
    """Prefix → {published name: name}, for the names that are a prefix and a name of the layout."""
    groups: dict[str, dict[str, str]] = {}
    for own, published in layout.names().items():
        for name in names:
            prefix = name.removesuffix(own)
            if name.endswith(own) and (not prefix or prefix.endswith(layout.joint)):
                groups.setdefault(prefix, {})[published] = name
    return groups


def check_match(found: Shapes, expected: Shapes, extras: tuple[str, ...] = ()):
    """Raises if the names or shapes of a file and a model differ. Extras alone are no difference.

    The message names all differences, and then the extras too: one may be a misnamed weight.

    Raises:
        CheckpointError: they differ.
    """
    unused = [f"{name!r}" for name in (*found, *extras) if name not in expected]
    missing = [f"{name!r} {shape}" for name, shape in expected.items() if name not in found]
    wrong = [
        f"{name!r} is {found[name]}, the model has {shape}"
        for name, shape in expected.items()
        if name in found and found[name] != shape
    ]
    clauses = [("unused", unused), ("missing", missing), ("wrong shape:", wrong)]
    differences = [f"{what} {listed(names)}" for what, names in clauses if names]
    if len(unused) > len(extras) or missing or wrong:
        raise CheckpointError(
            f"checkpoint does not match the model: {'; '.join(differences)}. Nothing was loaded."
        )
