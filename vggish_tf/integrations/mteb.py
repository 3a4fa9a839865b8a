"""MTEB's interface, of the Massive (Text, Image, Audio …) Embedding Benchmark.

    >>> import mteb  # doctest: +SKIP
    >>> from vggish_tf.integrations.mteb import Encoder  # doctest: +SKIP
    >>> from vggish_tf import Embedder  # doctest: +SKIP
    >>> model = Encoder(Embedder())  # doctest: +SKIP
    >>> mteb.evaluate(model, tasks=mteb.get_tasks(["ESC50"]))  # doctest: +SKIP

Source: https://embeddings-benchmark.github.io/mteb/. The embedding of a clip is the mean of its
rows.
"""

from typing import Any

import numpy as np
from mteb.models.abs_encoder import AbsEncoder
from mteb.models.model_meta import ModelMeta

from vggish_tf import __version__, importing
from vggish_tf.errors import AudioError, UsageError
from vggish_tf.params import EMBEDDING_SIZE

importing.triton_first(__name__)
from vggish_tf.embedding import Embedder  # noqa: E402 — it imports TensorFlow

UNSAID = (
    *("loader", "languages", "max_tokens", "public_training_code", "public_training_data"),
    "training_datasets",
)


class Encoder(AbsEncoder):
    """An Embedder as a model of MTEB, with the settings and the resampler of the Embedder."""

    def __init__(self, embedder: Embedder):
        self.model = embedder
        self.mteb_model_meta = meta(embedder)

    def encode(self, inputs: Any, **_: Any) -> np.ndarray:
        """The mean rows of clips, (n, 128).

        Args:
            inputs: batches of clips {"array", "sampling_rate"}, under "audio".

        Raises:
            UsageError: the inputs have no audio.
        """
        if "audio" not in inputs.dataset.features:
            raise UsageError(f"VGGish embeds audio; received {[*inputs.dataset.features]}.")
        return np.concatenate([self._means(batch["audio"]) for batch in inputs])

    def _means(self, clips: list[dict]) -> np.ndarray:
        """The mean rows of clips; those with the same rate share batches."""
        rates, means = [clip["sampling_rate"] for clip in clips], [np.zeros(0)] * len(clips)
        for rate in {*rates}:
            places = [place for place, each in enumerate(rates) if each == rate]
            sounds = [np.asarray(clips[place]["array"], np.float32).T for place in places]
            for place, found in zip(places, self.model.embed_batch(sounds, rate), strict=True):
                if not len(found.embedding):
                    raise AudioError("a clip is too short for a row. Choose pad='short'.")
                means[place] = found.embedding.mean(axis=0)
        return np.stack(means)


def meta(embedder: Embedder) -> ModelMeta:
    """The record that MTEB keeps of a model; its revision is the digest of the weights' values."""
    return ModelMeta(
        **dict.fromkeys(UNSAID),
        name="vggish-tf/vggish", revision=f"{embedder.identity.values_sha256[:12]}-{__version__}",
        release_date="2017-04-01", license="apache-2.0", framework=["TensorFlow"],
        n_parameters=72_141_184, memory_usage_mb=275, embed_dim=EMBEDDING_SIZE,
        open_weights=True, similarity_fn_name="cosine", use_instructions=False,
        modalities=["audio"],
    )  # fmt: skip
