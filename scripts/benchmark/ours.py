"""vggish_tf, in its two precisions."""

import contextlib
import io
import time

from benchmark.contender import Contender


class Ours(Contender):
    """vggish_tf: Embedder, and the code of `vggish-tf embed`."""

    title, precision = "vggish_tf float32", "float32"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        from vggish_tf import Embedder, Params

        self.embedder = Embedder(
            self.checkpoint,
            params=Params(example_hop_seconds=self.hop),
            precision=self.precision,
            pad="never",
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

    title, precision, cosine = "vggish_tf bfloat16", "bfloat16", 0.999
