"""The demo: embeds a clip that ships with the package and draws every stage.

If the published files cannot be fetched, untrained weights are used. Then the first line printed,
the title of the picture and the provenance of the output say so, and the second line gives the
reason.
"""

import os
import warnings
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from vggish_tf import audio, stages
from vggish_tf.drawing import pictures
from vggish_tf.embedding import Embedder
from vggish_tf.errors import CheckpointError
from vggish_tf.files import DATA, make_folder
from vggish_tf.formats import npz
from vggish_tf.network import backbone
from vggish_tf.network.postprocess import Postprocessor
from vggish_tf.progress import note
from vggish_tf.weights import loading

SEED = 0
HEADLINE = (
    f"UNTRAINED WEIGHTS (random, seed {SEED}; no PCA): the pipeline is real, the embeddings mean "
    "nothing."
)


class Prepared(NamedTuple):
    """The network and the post-processing of the demo, and its headline."""

    embedder: Embedder
    postprocessor: Postprocessor
    headline: str


def run(folder: str | os.PathLike[str] = "vggish-demo") -> tuple[Path, Path]:
    """Writes `embeddings.npz` and `stages.png` into a folder, and prints a summary.

    Returns:
        The paths of the two files.

    Raises:
        VGGishError: the folder cannot be written to.
    """
    folder = make_folder(folder)
    try:
        prepared, reason = _published(), None
    except CheckpointError as error:
        prepared, reason = _untrained(), error
    note(prepared.headline, always=prepared.embedder.untrained)
    if reason:
        note(f"why: {reason}")
    clip, segments = str(DATA / "demo.flac"), pictures.read_segments(str(DATA / "demo.json"))
    waveform, sample_rate = audio.load_audio(clip)
    result = stages.compute(
        waveform, sample_rate, embedder=prepared.embedder, postprocessor=prepared.postprocessor
    )
    _describe(waveform, sample_rate, segments, result)
    rows = result.embedding, result.timestamps
    written = npz.write(folder / "embeddings.npz", rows, prepared.embedder.provenance)
    note(f"wrote {written}: {len(result.timestamps)} embeddings, their timestamps and provenance")
    picture = folder / "stages.png"
    pictures.save(pictures.overview(result, title=prepared.headline, segments=segments), picture)
    note(f"wrote {picture}: every stage, from the waveform to the quantized embeddings")
    return written, picture


def _published() -> Prepared:
    embedder, postprocessor = Embedder("audioset"), Postprocessor()
    return Prepared(embedder, postprocessor, "The published AudioSet weights.")


def _untrained() -> Prepared:
    keras.utils.set_random_seed(SEED)
    network = backbone.network()
    _spread(network)
    network.identity = loading.identify(network, f"untrained, seed {SEED}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the headline has the warning
        embedder = Embedder(network)
    return Prepared(embedder, Postprocessor(weights=None), HEADLINE)


def _spread(network: keras.Model):
    """Centres random kernels and scales them as in He et al. (2015).

    So each layer keeps the variance of its input. Upstream's initializer reduces it at each layer,
    and the picture of the embeddings would be blank.
    """
    for name in backbone.LAYER_NAMES:
        kernel = network.get_layer(name).kernel
        values = np.asarray(kernel)
        centred = values - values.reshape(-1, values.shape[-1]).mean(axis=0)
        fan_in = values.size / values.shape[-1]
        kernel.assign(centred / centred.std() * np.sqrt(2 / fan_in))


def _describe(waveform, sample_rate, segments, result):
    labels = ", ".join(segment.label for segment in segments)
    note(f"clip: {len(waveform) / sample_rate:.2f} s at {sample_rate} Hz: {labels}")
    for row in stages.describe(result):
        note(f"  {row}")
