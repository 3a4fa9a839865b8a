"""The exported model in other runtimes, with soxr HQ before it and batches of 32 examples.

Users could choose a slower batch size.
"""

import os
from pathlib import Path

import numpy as np

from benchmark.contender import Contender, mono_of

BATCH = 32
SUFFIXES = {"saved_model": "", "onnx": ".onnx", "openvino": ".xml", "tflite": ".tflite"}


def exported(checkpoint: Path, folder: Path, format: str) -> Path:
    """The checkpoint in a format of `vggish-tf export`; made once in a folder."""
    path = folder / f"vggish{SUFFIXES[format]}"
    if not path.exists():
        from vggish_tf.jobs.export import export

        export(checkpoint, path, format=format, pca=None)
    return path


class Exported(Contender):
    """The exported model, waveform → embedding; long clips are embedded in pieces of a batch."""

    format = ""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.open(str(exported(self.checkpoint, self.exports, self.format)))

    def open(self, path: str):
        raise NotImplementedError

    def run(self, waveform: np.ndarray) -> np.ndarray:
        """Runs the model: (batch, num_samples) → (batch, n, 128)."""
        raise NotImplementedError

    def embed_files(self, paths, folder):
        """Embeds as many clips of one length at once as fill a batch."""
        import soundfile

        per_call = max(1, BATCH // max(1, round(soundfile.info(paths[0]).duration / 0.96)))
        for first in range(0, len(paths), per_call):
            some = paths[first : first + per_call]
            clips = [mono_of(*soundfile.read(path, dtype="float32")) for path in some]
            rows = self.run(np.stack(clips)) if len(some) > 1 else [self._in_pieces(clips[0])]
            for path, embedding in zip(some, rows, strict=True):
                np.savez(folder / f"{path.stem}.npz", embedding=embedding)

    def embed_clip(self, waveform, rate):
        return self._in_pieces(mono_of(waveform, rate))

    def _in_pieces(self, mono):
        hop, window = 15_360, 15_600
        count = max((len(mono) - window) // hop + 1, 0)
        parts = [np.zeros((0, 128), np.float32)]
        for first in range(0, count, BATCH):
            last = min(first + BATCH, count) - 1
            piece = mono[first * hop : last * hop + window]
            parts.append(self.run(piece[np.newaxis])[0])
        return np.concatenate(parts)


class OnnxRuntime(Exported):
    title, needs, format = "exported, ONNX Runtime", ("onnxruntime", "tf2onnx"), "onnx"

    def open(self, path):
        import onnxruntime

        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def run(self, waveform):
        return self.session.run(None, {"waveform": waveform})[0]


class OpenVino(Exported):
    title, needs, format = "exported, OpenVINO float32", ("openvino",), "openvino"
    precision = "f32"

    def open(self, path):
        import openvino

        hint = {"INFERENCE_PRECISION_HINT": self.precision}
        self.compiled = openvino.Core().compile_model(path, "CPU", hint)

    def run(self, waveform):
        return self.compiled(waveform)[0]


class OpenVinoBfloat16(OpenVino):
    title, precision, cosine = "exported, OpenVINO bfloat16", "bf16", 0.95


class LiteRt(Exported):
    title, needs, format = "exported, LiteRT", ("ai_edge_litert", "ai_edge_quantizer"), "tflite"

    def open(self, path):
        from ai_edge_litert.interpreter import Interpreter

        self.interpreter = Interpreter(path, num_threads=len(os.sched_getaffinity(0)))
        self.shape = None

    def run(self, waveform):
        source = self.interpreter.get_input_details()[0]["index"]
        target = self.interpreter.get_output_details()[0]["index"]
        if waveform.shape != self.shape:
            self.interpreter.resize_tensor_input(source, waveform.shape)
            self.interpreter.allocate_tensors()
            self.shape = waveform.shape
        self.interpreter.set_tensor(source, waveform)
        self.interpreter.invoke()
        return self.interpreter.get_tensor(target)
