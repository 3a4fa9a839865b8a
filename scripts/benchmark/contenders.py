"""The ways to run VGGish, each as its users do it, each able to embed files into npz, and one clip at a time.

All load the same checkpoint. Upstream and torchvggish resample with resampy, as they are written; the others get soxr
HQ, as ours, and batches of 32 examples, where their users could pick worse. torchvggish has a ReLU after the embedding,
so only what is positive can be compared with it.
"""

import contextlib
import io
import os
import time
from pathlib import Path

import numpy as np

RATE = 16_000
BATCH = 32


class Contender:
    """One way to run VGGish; see the subclasses for what is not the same in each.

    Args:
        checkpoint: the TF1 checkpoint.
        exports: a folder for what has to be converted first, and is kept there.
        hop: seconds from one example to the next.
    """

    title = ""
    needs: tuple[str, ...] = ()  # modules
    resampler = "soxr"
    relu = False
    cosine = 1.0  # to our float32, at least; 1.0 asks for the same numbers

    def __init__(self, checkpoint: Path, exports: Path, hop: float = 0.96):
        self.checkpoint, self.exports, self.hop = checkpoint, exports, hop

    def embed_files(self, paths: list[Path], folder: Path):
        """Writes one npz a file."""
        for path in paths:
            np.savez(folder / f"{path.stem}.npz", embedding=self.embed_file(path))

    def embed_file(self, path: Path) -> np.ndarray:
        import soundfile

        samples, rate = soundfile.read(path, dtype="float32")
        return self.embed_clip(samples, rate)

    def embed_clip(self, waveform: np.ndarray, rate: int) -> np.ndarray:
        """(num_samples,) or (num_samples, channels) → (n, 128)."""
        raise NotImplementedError

    def embed_example(self, example: np.ndarray) -> np.ndarray:
        """(1, 96, 64) → (1, 128): the network alone; None where the front end is inside."""
        raise NotImplementedError


class Ours(Contender):
    """vggish_tf: Embedder, and what `vggish-tf embed` does."""

    title, precision = "vggish_tf float32", "float32"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        from vggish_tf import Embedder, Params

        self.embedder = Embedder(
            self.checkpoint, params=Params(example_hop_seconds=self.hop), precision=self.precision, pad="never"
        )
        self.embedder.provenance  # noqa: B018  a digest of the checkpoint, taken once

    def embed_files(self, paths, folder):
        from vggish_tf.jobs import bulk

        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            bulk.embed_archive(paths, folder, self.embedder)

    def embed_file(self, path):
        return self.embedder.embed_file(path).embedding

    def embed_clip(self, waveform, rate):
        return self.embedder(waveform, rate).embedding

    def embed_example(self, example):
        return self.embedder.embed_examples(example)

    def network_share(self, paths, folder) -> tuple[float, float]:
        """Seconds of a whole job, and those of them that the network runs."""
        network, run = [], self.embedder._run

        def timed(batch):
            start = time.perf_counter()
            rows = run(batch)
            network.append(time.perf_counter() - start)
            return rows

        self.embedder._run, start = timed, time.perf_counter()
        self.embed_files(paths, folder)
        self.embedder._run = run
        return time.perf_counter() - start, sum(network)

    def live(self, waveform, rate, block_seconds) -> list[float]:
        """Seconds that each push of a live stream takes."""
        stream, block = self.embedder.stream(rate), round(block_seconds * rate)
        seconds = []
        for start in range(0, len(waveform), block):
            before = time.perf_counter()
            stream.push(waveform[start : start + block])
            seconds.append(time.perf_counter() - before)
        return seconds


class OursBfloat16(Ours):
    """The same in bfloat16."""

    title, precision, cosine = "vggish_tf bfloat16", "bfloat16", 0.999


class Upstream(Contender):
    """tensorflow/models: soundfile, resampy, the NumPy front end, a tf-slim session, one feed a file."""

    title, needs, resampler = "upstream (tf-slim)", ("resampy",), "resampy"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        import tensorflow as tf

        from vggish_tf.reference import vggish_params, vggish_slim

        vggish_params.EXAMPLE_HOP_SECONDS = self.hop
        self.graph = tf.Graph()
        with self.graph.as_default():
            self.session = tf.compat.v1.Session()
            vggish_slim.define_vggish_slim()
            vggish_slim.load_vggish_slim_checkpoint(self.session, self.checkpoint)

    def embed_file(self, path):
        import soundfile

        samples, rate = soundfile.read(path, dtype="int16")
        return self.embed_clip(samples / 32768.0, rate)

    def embed_clip(self, waveform, rate):
        return self.embed_example(_numpy_examples(waveform, rate))

    def embed_example(self, example):
        from vggish_tf.reference import vggish_params

        return self.session.run(vggish_params.OUTPUT_TENSOR_NAME, feed_dict={vggish_params.INPUT_TENSOR_NAME: example})


class TorchVggish(Contender):
    """torchvggish from PyPI on torch: its own front end (NumPy, resampy), gradients off, one forward pass a file."""

    title, needs, resampler, relu = "torchvggish", ("torch", "torchvggish", "resampy"), "resampy", True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        import torch
        from torchvggish import torchvggish, vggish_params

        vggish_params.EXAMPLE_HOP_SECONDS = self.hop
        self.network = torchvggish._vgg()
        self.network.load_state_dict(_torch_weights(self.checkpoint))
        self.network.eval()
        torch.set_num_threads(len(os.sched_getaffinity(0)))

    def embed_file(self, path):
        from torchvggish import vggish_input

        return self._forward(vggish_input.wavfile_to_examples(str(path)))

    def embed_clip(self, waveform, rate):
        from torchvggish import vggish_input

        return self._forward(vggish_input.waveform_to_examples(waveform, rate))

    def embed_example(self, example):
        import torch

        return self._forward(torch.from_numpy(example[:, np.newaxis]))

    def _forward(self, examples):
        import torch

        with torch.no_grad():
            return self.network.forward(examples).numpy()


class KerasPredict(Contender):
    """The Keras model through model.predict, one call a file: our own model, run the usual way."""

    title = "keras.predict"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        from vggish_tf import Params, VGGish

        self.network = VGGish(self.checkpoint, inputs="examples")
        self.model = VGGish(None, params=Params(example_hop_seconds=self.hop))
        self.front_end = self.model.get_layer("examples")

    def embed_clip(self, waveform, rate):
        return self.embed_example(np.asarray(self.front_end(_mono(waveform, rate))))

    def embed_example(self, example):
        return self.network.predict(example, batch_size=BATCH, verbose=0)


class Exported(Contender):
    """The exported model, waveform to embedding, in another runtime; long clips in pieces of a batch."""

    format = suffix = ""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        path = self.exports / f"vggish{self.suffix}"
        if not path.exists():
            from vggish_tf.jobs.export import export

            export(self.checkpoint, path, format=self.format)
        self.open(str(path))

    def open(self, path: str):
        raise NotImplementedError

    def run(self, waveform: np.ndarray) -> np.ndarray:
        """(batch, num_samples) → (batch, n, 128)."""
        raise NotImplementedError

    def embed_files(self, paths, folder):
        """As many clips of one length at once as make a batch."""
        import soundfile

        per_call = max(1, BATCH // max(1, round(soundfile.info(paths[0]).duration / 0.96)))
        for first in range(0, len(paths), per_call):
            some = paths[first : first + per_call]
            clips = [_mono(*soundfile.read(path, dtype="float32")) for path in some]
            rows = self.run(np.stack(clips)) if len(some) > 1 else [self._in_pieces(clips[0])]
            for path, embedding in zip(some, rows, strict=True):
                np.savez(folder / f"{path.stem}.npz", embedding=embedding)

    def embed_clip(self, waveform, rate):
        return self._in_pieces(_mono(waveform, rate))

    def _in_pieces(self, mono):
        hop, window = 15_360, 15_600
        count = max((len(mono) - window) // hop + 1, 0)
        firsts = range(0, count, BATCH)
        pieces = [mono[first * hop : (min(first + BATCH, count) - 1) * hop + window] for first in firsts]
        return np.concatenate([self.run(piece[np.newaxis])[0] for piece in pieces] or [np.zeros((0, 128), np.float32)])


class OnnxRuntime(Exported):
    title, needs, format, suffix = "onnxruntime", ("onnxruntime", "tf2onnx"), "onnx", ".onnx"

    def open(self, path):
        import onnxruntime

        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def run(self, waveform):
        return self.session.run(None, {"waveform": waveform})[0]


class OpenVino(Exported):
    title, needs, format, suffix, precision = "OpenVINO float32", ("openvino",), "openvino", ".xml", "f32"

    def open(self, path):
        import openvino

        self.compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": self.precision})

    def run(self, waveform):
        return self.compiled(waveform)[0]


class OpenVinoBfloat16(OpenVino):
    title, precision, cosine = "OpenVINO bfloat16", "bf16", 0.95


class LiteRt(Exported):
    title, needs, format, suffix = "LiteRT", ("ai_edge_litert",), "tflite", ".tflite"

    def open(self, path):
        from ai_edge_litert.interpreter import Interpreter

        self.interpreter = Interpreter(path, num_threads=len(os.sched_getaffinity(0)))
        self.shape = None

    def run(self, waveform):
        source, target = self.interpreter.get_input_details()[0]["index"], self.interpreter.get_output_details()[0]
        if waveform.shape != self.shape:
            self.interpreter.resize_tensor_input(source, waveform.shape)
            self.interpreter.allocate_tensors()
            self.shape = waveform.shape
        self.interpreter.set_tensor(source, waveform)
        self.interpreter.invoke()
        return self.interpreter.get_tensor(target["index"])


CONTENDERS = {
    "ours": Ours,
    "ours_bfloat16": OursBfloat16,
    "upstream": Upstream,
    "torchvggish": TorchVggish,
    "onnxruntime": OnnxRuntime,
    "openvino": OpenVino,
    "openvino_bfloat16": OpenVinoBfloat16,
    "litert": LiteRt,
    "keras_predict": KerasPredict,
}


def _mono(waveform: np.ndarray, rate: int) -> np.ndarray:
    import soxr

    mono = waveform if waveform.ndim == 1 else waveform.mean(axis=1)
    return (mono if rate == RATE else soxr.resample(mono, rate, RATE)).astype(np.float32)


def _numpy_examples(waveform, rate):
    """Upstream's waveform_to_examples, with the resampler that it has."""
    from vggish_tf.reference import vggish_input

    mono = waveform if waveform.ndim == 1 else np.mean(waveform, axis=1)
    if rate != RATE:
        import resampy

        mono = resampy.resample(mono, rate, RATE)
    return vggish_input.waveform_to_examples(mono, RATE)


def _torch_weights(checkpoint) -> dict:
    """The checkpoint by torchvggish's names, each kernel with its axes in torch's order."""
    import torch

    from vggish_tf import checkpoints

    values = checkpoints.read(checkpoint)
    names = [f"features.{number}" for number in (0, 3, 6, 8, 11, 13)] + [f"embeddings.{number}" for number in (0, 2, 4)]
    state = {}
    for name, scope in zip(names, checkpoints.LAYERS.values(), strict=True):
        kernel = values[f"{scope}/weights"]
        kernel = kernel.transpose(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T
        state[f"{name}.weight"] = torch.from_numpy(np.ascontiguousarray(kernel))
        state[f"{name}.bias"] = torch.from_numpy(values[f"{scope}/biases"])
    return state
