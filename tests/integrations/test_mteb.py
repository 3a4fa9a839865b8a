"""MTEB's interface: its own evaluation runs, and the numbers are the Embedder's."""

import numpy as np
import pytest

from vggish_tf.errors import UsageError

mteb = pytest.importorskip("mteb", reason="mteb is not installed: pip install '.[mteb]'")

from datasets import Dataset, DatasetDict  # noqa: E402
from mteb._create_dataloaders import create_dataloader  # noqa: E402
from mteb.tasks.classification.zxx.esc50 import ESC50Classification  # noqa: E402

from vggish_tf.integrations.mteb import Encoder  # noqa: E402

RATES = (16_000, 44_100)


def clip(number):
    """A tone or a noise, at one of two rates."""
    rate, generator = RATES[number // 2 % 2], np.random.default_rng(number)
    time = np.arange(int(rate * generator.uniform(0.8, 2.5))) / rate
    tone = 0.5 * np.sin(2 * np.pi * generator.uniform(300, 500) * time)
    return (generator.uniform(-0.5, 0.5, len(time)) if number % 2 else tone), rate


class Tones(ESC50Classification):
    """Its own task of environmental sounds, with sounds of ours."""

    def load_data(self, **_):
        clips = [clip(number) for number in range(40)]
        audio = [{"array": sound, "sampling_rate": rate} for sound, rate in clips]
        rows = Dataset.from_dict({"audio": audio, "target": [number % 2 for number in range(40)]})
        self.dataset, self.data_loaded = DatasetDict(train=rows), True


@pytest.mark.filterwarnings("ignore:.*shorter than")
def test_mteb_evaluates_it(embedder, tmp_path):
    found = mteb.evaluate(Encoder(embedder), tasks=[Tones()], cache=None)
    (result,) = found.task_results
    assert result.get_score() > 0.9  # chance is 0.5, and the weights are random
    assert found.model_name == "vggish-tf/vggish"
    assert embedder.identity.values_sha256.startswith(found.model_revision.split("-")[0])


@pytest.mark.filterwarnings("ignore:.*shorter than")
def test_the_numbers_are_the_embedder_s(embedder):
    task = Tones()
    task.load_data()
    inputs = create_dataloader(
        task.dataset["train"], task_metadata=task.metadata, input_column="audio", batch_size=7
    )
    found = Encoder(embedder).encode(inputs)
    for row, number in zip(found, range(40), strict=True):
        expected = embedder(*clip(number)).embedding.mean(axis=0)
        np.testing.assert_allclose(row, expected, rtol=0, atol=1e-5 * abs(expected).max())


def test_what_is_no_audio_is_refused(embedder):
    inputs = type("Inputs", (), {"dataset": Dataset.from_dict({"text": ["a"]})})
    with pytest.raises(UsageError, match=r"VGGish embeds audio; received \['text'\]"):
        Encoder(embedder).encode(inputs)
