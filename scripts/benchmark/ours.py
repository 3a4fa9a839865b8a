"""vggish_tf: its two precisions, and its engines."""

import contextlib
import io
import time
from typing import ClassVar

from benchmark.contender import Contender

# the lowest that bfloat16 may have in any row, on either kind of seeded weights
BFLOAT16_COSINE = 0.9995


class Ours(Contender):
    """vggish_tf: Embedder, and the code of `vggish-tf embed`."""

    title, needs = "vggish_tf float32", ("tensorflow",)
    options: ClassVar[dict[str, str]] = {}  # of Embedder

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        from vggish_tf import Embedder, Params

        self.embedder = Embedder(
            self.checkpoint,
            params=Params(example_hop_seconds=self.hop),
            pad="never",
            **self.options,
        )
        self.embedder.provenance  # noqa: B018  a digest of the checkpoint, taken once

    def embed_files(self, paths, folder):
        from vggish_tf.jobs import embed

        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            embed.embed_each(paths, folder, self.embedder)

    def embed_file(self, path):
        return self.embedder.embed_file(path).embedding

    def embed_clip(self, waveform, rate):
        return self.embedder(waveform, rate).embedding

    def embed_example(self, example):
        return self.embedder.embed_examples(example)

    def network_share(self, paths, folder) -> tuple[float, float]:
        """Seconds of a whole job, and of the network in it."""
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
        """Seconds of each push to a live stream."""
        stream, block = self.embedder.stream(rate), round(block_seconds * rate)
        seconds = []
        for start in range(0, len(waveform), block):
            before = time.perf_counter()
            stream.push(waveform[start : start + block])
            seconds.append(time.perf_counter() - before)
        return seconds


class OursBfloat16(Ours):
    """vggish_tf in bfloat16."""

    title, options, cosine = "vggish_tf bfloat16", {"precision": "bfloat16"}, BFLOAT16_COSINE


class OursOpenVino(Ours):
    """vggish_tf with the network in OpenVINO."""

    title, needs = "vggish_tf, OpenVINO float32", ("tensorflow", "openvino")
    options: ClassVar = {"engine": "openvino"}


class OursOpenVinoBfloat16(OursOpenVino):
    """The same in bfloat16."""

    title, cosine = "vggish_tf, OpenVINO bfloat16", BFLOAT16_COSINE
    options: ClassVar = {"engine": "openvino", "precision": "bfloat16"}


class OursOnnxRuntime(Ours):
    """vggish_tf with the network in ONNX Runtime."""

    title, needs = "vggish_tf, ONNX Runtime", ("tensorflow", "onnxruntime", "tf2onnx")
    options: ClassVar = {"engine": "onnxruntime"}
