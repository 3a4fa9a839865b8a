"""VGGish audio embeddings as a Keras 3 library.

The names below load on first use (PEP 562), so that importing the package costs nothing and loads no TensorFlow.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_HOME = {
    "Params": "params",
    "AudioError": "errors",
    "CheckpointError": "errors",
    "ParamsError": "errors",
    "VGGishError": "errors",
    "load_audio": "audio",
    "FrameExamples": "frontend",
    "LogMel": "frontend",
    "StftMagnitude": "frontend",
    "WaveformToExamples": "frontend",
    "Resample": "resampling",
    "Postprocessor": "postprocess",
    "dequantize": "postprocess",
    "VGGish": "model",
    "load_model": "model",
    "Embedder": "embedding",
    "Embeddings": "embedding",
    "EmbeddingStream": "embedding",
}
_MODULES = ("checkpoints", "formats", "jobs", "reference")

__all__ = [*_HOME, *_MODULES]

if TYPE_CHECKING:  # what editors and type checkers read instead of _HOME; a test holds the two equal
    from vggish_tf import checkpoints, formats, jobs, reference
    from vggish_tf.audio import load_audio
    from vggish_tf.embedding import Embedder, Embeddings, EmbeddingStream
    from vggish_tf.errors import AudioError, CheckpointError, ParamsError, VGGishError
    from vggish_tf.frontend import FrameExamples, LogMel, StftMagnitude, WaveformToExamples
    from vggish_tf.model import VGGish, load_model
    from vggish_tf.params import Params
    from vggish_tf.postprocess import Postprocessor, dequantize
    from vggish_tf.resampling import Resample


def __getattr__(name: str):
    if name in _HOME:
        return getattr(import_module(f"vggish_tf.{_HOME[name]}"), name)
    if name in _MODULES:
        return import_module(f"vggish_tf.{name}")
    raise AttributeError(f"module 'vggish_tf' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


if "keras" in sys.modules:  # then it costs nothing more to make keras.saving.load_model know our layers
    import_module("vggish_tf.model")
