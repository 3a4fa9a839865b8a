"""Alternatives, each as its users run it: upstream, torchvggish, and model.predict.

Upstream and torchvggish resample with resampy, as they are written; model.predict gets soxr HQ, as
ours. torchvggish has a ReLU after the embedding, so it is compared with the ReLU of ours.
"""

import os

import numpy as np

from benchmark.contender import RATE, Contender, mono_of

BATCH = 32  # Keras's default


class Upstream(Contender):
    """tensorflow/models: soundfile, resampy, NumPy front end, tf-slim session; one feed a file."""

    title, resampler = "upstream (tf-slim)", "resampy"
    needs = ("tensorflow", "tf_slim", "resampy", "numba")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # as its users have it: vggish_tf turns oneDNN on where TensorFlow does not
        os.environ.pop("TF_ENABLE_ONEDNN_OPTS", None)
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

        feed = {vggish_params.INPUT_TENSOR_NAME: example}
        return self.session.run(vggish_params.OUTPUT_TENSOR_NAME, feed_dict=feed)


class TorchVggish(Contender):
    """torchvggish from PyPI: its own front end (NumPy, resampy), one forward pass a file."""

    title, resampler, relu = "torchvggish", "resampy", True
    needs = ("torch", "torchvggish", "resampy", "numba")

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
    """Our Keras model through model.predict, one call a file."""

    title, needs = "Keras, model.predict", ("tensorflow",)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        from vggish_tf import Params, VGGish

        self.network = VGGish(self.checkpoint, inputs="examples")
        self.model = VGGish(None, params=Params(example_hop_seconds=self.hop))
        self.front_end = self.model.get_layer("examples")

    def embed_clip(self, waveform, rate):
        return self.embed_example(np.asarray(self.front_end(mono_of(waveform, rate))))

    def embed_example(self, example):
        return self.network.predict(example, batch_size=BATCH, verbose=0)


def _numpy_examples(waveform, rate):
    """Upstream's waveform_to_examples, with its resampler."""
    from vggish_tf.reference import vggish_input

    mono = waveform if waveform.ndim == 1 else np.mean(waveform, axis=1)
    if rate != RATE:
        import resampy

        mono = resampy.resample(mono, rate, RATE)
    return vggish_input.waveform_to_examples(mono, RATE)


def _torch_weights(checkpoint) -> dict:
    """The checkpoint under torchvggish's names, each kernel with its axes in torch's order."""
    import torch

    from vggish_tf import checkpoints

    values = checkpoints.read(checkpoint)
    names = [f"features.{number}" for number in (0, 3, 6, 8, 11, 13)]
    names += [f"embeddings.{number}" for number in (0, 2, 4)]
    state = {}
    for name, scope in zip(names, checkpoints.LAYERS.values(), strict=True):
        kernel = values[f"{scope}/weights"]
        kernel = kernel.transpose(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T
        state[f"{name}.weight"] = torch.from_numpy(np.ascontiguousarray(kernel))
        state[f"{name}.bias"] = torch.from_numpy(values[f"{scope}/biases"])
    return state
