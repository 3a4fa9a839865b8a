"""VGGish audio embeddings as a Keras 3 library.

The names below load on first use (PEP 562), so that importing the package is fast and does not load
TensorFlow.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from vggish_tf import importing

__version__ = "0.2.0"

_HOME = {
    "Params": "params",
    "AudioError": "errors",
    "CheckpointError": "errors",
    "ParamsError": "errors",
    "UsageError": "errors",
    "VGGishError": "errors",
    "load_audio": "audio",
    "FrameExamples": "frontend.layers",
    "LogMel": "frontend.layers",
    "StftMagnitude": "frontend.layers",
    "WaveformToExamples": "frontend.layers",
    "Resample": "frontend.resampling",
    "Postprocessor": "network.postprocess",
    "dequantize": "network.postprocess",
    "VGGish": "model",
    "load_model": "model",
    "Embedder": "embedding",
    "Embeddings": "rows",
    "EmbeddingStream": "stream",
}
_MODULES = ("checkpoints", "drawing", "formats", "jobs", "reference", "stages")
_WITHOUT_KERAS = ("params", "errors", "audio", "rows", "drawing", "formats", "reference")

__all__ = [*_HOME, *_MODULES]

# for editors and type checkers, which do not see _HOME; a test compares the two
if TYPE_CHECKING:
    from vggish_tf import checkpoints, drawing, formats, jobs, reference, stages
    from vggish_tf.audio import load_audio
    from vggish_tf.embedding import Embedder
    from vggish_tf.errors import (
        AudioError,
        CheckpointError,
        ParamsError,
        UsageError,
        VGGishError,
    )
    from vggish_tf.frontend.layers import FrameExamples, LogMel, StftMagnitude, WaveformToExamples
    from vggish_tf.frontend.resampling import Resample
    from vggish_tf.model import VGGish, load_model
    from vggish_tf.network.postprocess import Postprocessor, dequantize
    from vggish_tf.params import Params
    from vggish_tf.rows import Embeddings
    from vggish_tf.stream import EmbeddingStream


def __getattr__(name: str):
    if name not in __all__:
        raise AttributeError(f"module 'vggish_tf' has no attribute {name!r}")
    home = _HOME.get(name, name)
    if home not in _WITHOUT_KERAS:
        importing.keras()
    module = import_module(f"vggish_tf.{home}")
    return module if name in _MODULES else getattr(module, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


def _register_layers():
    """Loads every layer, so that keras.saving.load_model finds it.

    It does nothing during the import of a module of this package, which registers its own layers.
    """
    ours = [module for name, module in [*sys.modules.items()] if name.startswith("vggish_tf.")]
    if not any(getattr(module.__spec__, "_initializing", False) for module in ours):
        import_module("vggish_tf.model")


importing.choose_onednn()
importing.after("keras", _register_layers)  # Keras may be imported before or after this package
