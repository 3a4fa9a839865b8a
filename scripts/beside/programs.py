"""Programs that published profiles are of, each from a file to its rows, run as they are."""

import contextlib
import importlib.util
import sys
import tempfile
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy as np
import soundfile
from beside.installed import Inputs, alone, hub_model, source, source_module, state_dict

FLOAT32 = "float32 sums in another order"
KERNEL = "torchaudio keeps its filters in float32"
FLOAT16 = "a step of float16 where the value is at the middle: 2^-11"
FLIPS = "a step of 16 bits where a sample is at the middle"
MIDDLE = "a byte more or less where the value is at the middle"
BYTE = 1.01 / 255
ANY = ("44k stereo", "48k 24 bits", "16k mono", "16k quiet")
AT_16K = ("16k mono", "16k quiet")


class Program(NamedTuple):
    """A program: the profile, how it makes rows of a file, for which clips, and how near."""

    profile: str
    package: str
    rows: Callable[[Path, Inputs], np.ndarray]
    clips: tuple[str, ...]
    tolerance: float  # of the largest row
    why: str


def torchvggish(path: Path, inputs: Inputs) -> np.ndarray:
    return hub_model(inputs)(str(path)).detach()


def gudgud96(path: Path, inputs: Inputs) -> np.ndarray:
    from frechet_audio_distance.fad import FrechetAudioDistance
    from frechet_audio_distance.utils import load_audio_task

    sounds = [load_audio_task(str(path), 16_000, 1)]
    return FrechetAudioDistance().get_embeddings(sounds, 16_000)


def fadtk(path: Path, inputs: Inputs) -> np.ndarray:
    from fadtk.fad import FrechetAudioDistance
    from fadtk.model_loader import VGGishModel

    model = VGGishModel()
    model.load_model()
    distance = FrechetAudioDistance(model, load_model=False)
    return model.get_embedding(distance.load_audio(path))


def kadtk(path: Path, inputs: Inputs) -> np.ndarray:
    from kadtk.emb_loader import EmbeddingLoader
    from kadtk.model_loader import VGGishModel

    loader = EmbeddingLoader(VGGishModel())
    loader.cache_embedding_file(path)
    return loader.read_embedding_file(path)


def audioldm_eval(path: Path, inputs: Inputs) -> np.ndarray:
    from audioldm_eval.datasets.load_mel import WaveDataset
    from audioldm_eval.metrics.fad import FrechetAudioDistance

    sound, _ = WaveDataset(str(alone(path)), 16_000)[0]
    return FrechetAudioDistance().get_embeddings([(sound[0].numpy(), 16_000)])


def hear_baseline(path: Path, inputs: Inputs) -> np.ndarray:
    import torch

    hear = source_module("hearbaseline.vggish")
    samples, _ = soundfile.read(path, dtype="float32", always_2d=True)
    embeddings, _ = hear.get_timestamp_embeddings(torch.from_numpy(samples.T), hear.load_model())
    return embeddings[0]


def torchaudio(path: Path, inputs: Inputs) -> np.ndarray:
    import torch
    from torchaudio.prototype.pipelines._vggish import _vggish_impl

    network = _vggish_impl.VGGish()
    names = {"features": "features_network", "embeddings": "embedding_network"}
    network.load_state_dict({
        f"{names[name.partition('.')[0]]}.{name.partition('.')[2]}": values
        for name, values in state_dict(inputs.weights).items()
    })  # fmt: skip
    samples, _ = soundfile.read(path, dtype="float32")
    examples = _vggish_impl.VGGishInputProcessor()(torch.from_numpy(samples))
    return network(examples).detach()


def mteb(path: Path, inputs: Inputs) -> np.ndarray:
    from mteb.models.model_implementations.vggish_models import vggish_loader

    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    batch = {"audio": [{"array": samples.mean(axis=1), "sampling_rate": rate}]}
    model = vggish_loader()
    return model.get_audio_embeddings([batch], show_progress_bar=False)


def openmic(path: Path, inputs: Inputs) -> np.ndarray:
    import tensorflow as tf

    with source(inputs, "openmic-2018"), tempfile.TemporaryDirectory() as folder:
        with published(inputs, Path(folder)), mock.patch.object(np, "float", float, create=True):
            from openmic.vggish import inputs as reading
            from openmic.vggish import model, params, postprocess

            params.MODEL_PARAMS = str(inputs.weights)
            examples = reading.soundfile_to_examples(str(path))
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            _, features = model.transform(examples, session)
        return postprocess(features)


@contextlib.contextmanager
def published(inputs: Inputs, folder: Path) -> Iterator[None]:
    """The files in hand under the names and sums that openmic checks when it is imported."""
    from openmic import util

    sums = {
        "vggish_model.ckpt": "d1c7011e6366aa34176bb05c705e31a8",
        "vggish_pca_params.npz": "c80cae691033abe7c7ecd11ea39fc834",
    }
    for name, file in zip(sums, (inputs.weights, inputs.pca), strict=True):
        (folder / name).symlink_to(file)
    resources = types.ModuleType("pkg_resources")
    vars(resources)["resource_filename"] = lambda package, name: str(folder / Path(name).name)
    with (
        mock.patch.dict(sys.modules, pkg_resources=resources),
        mock.patch.object(util, "md5_file", lambda file: sums[Path(file).name]),
    ):
        yield


def video_features(path: Path, inputs: Inputs) -> np.ndarray:
    with source(inputs, "video_features"):
        from models.vggish.vggish_src.vggish_slim import VGGish

        return VGGish().eval()(str(path), "cpu").detach()


def google_fad(path: Path, inputs: Inputs) -> np.ndarray:
    from scipy.io import wavfile

    model = google_model(inputs)
    _, samples = wavfile.read(path)
    examples = np.concatenate(model.extract_features(np.array(samples, np.float64)))
    return model.process_batch(examples)


def google_model(inputs: Inputs):
    """AudioSetModel, on the graph and the front end of the upstream API."""
    from vggish_tf.reference import mel_features, vggish_params, vggish_slim

    here = types.ModuleType("tensorflow_models.audioset")
    vars(here).update(
        mel_features=mel_features, vggish_params=vggish_params, vggish_slim=vggish_slim
    )
    modules = {"tensorflow_models": types.ModuleType("tensorflow_models"), here.__name__: here}
    folder = inputs.sources / "google-research" / "frechet_audio_distance"
    if not folder.is_dir():
        raise ImportError("google-research is not cloned")
    with mock.patch.dict(sys.modules, modules):
        spec = importlib.util.spec_from_file_location("google_fad", folder / "audioset_model.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module.AudioSetModel(str(inputs.weights), step_size=8_000)


def audiocraft(path: Path, inputs: Inputs) -> np.ndarray:
    import torch

    reading, utils = (
        source_module("audiocraft.data.audio"),
        source_module("audiocraft.data.audio_utils"),
    )
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    sound = utils.convert_audio(torch.from_numpy(samples.T)[None], rate, 16_000, 1)[0]
    with tempfile.TemporaryDirectory() as folder:
        written = reading.audio_write(Path(folder) / "clip", sound, 16_000, strategy="peak")
        return google_fad(written, inputs)


PROGRAMS = (
    Program(
        "torchvggish", "torchvggish f3f9096", torchvggish, ("44k stereo", *AT_16K), BYTE, MIDDLE
    ),
    Program("gudgud96", "frechet-audio-distance 0.3.4", gudgud96, ANY, 1e-5, FLOAT32),
    Program("fadtk", "fadtk 1.1.0", fadtk, (*ANY, "16k short"), 2e-3, FLOAT16),
    Program("kadtk", "kadtk 1.1.0", kadtk, ANY, 2e-3, FLOAT16),
    Program(
        "audioldm-eval", "audioldm_eval 0.0.3", audioldm_eval, (*ANY, "16k short"), 1e-4, KERNEL
    ),
    Program("hear-baseline", "hearbaseline 2021.1.1", hear_baseline, AT_16K, BYTE, MIDDLE),
    Program("torchaudio", "torchaudio 2.8.0", torchaudio, AT_16K, 1e-4, FLOAT32),
    Program("mteb", "mteb 2.24.1", mteb, (*ANY, "16k short"), 1e-4, KERNEL),
    Program("openmic", "openmic-2018 e0c25c6", openmic, ANY, BYTE, MIDDLE),
    Program(
        "video-features",
        "video_features a2f61b7",
        video_features,
        ("44k stereo", *AT_16K),
        1e-5,
        FLOAT32,
    ),
    Program("google-fad", "google-research", google_fad, AT_16K, 1e-5, FLOAT32),
    Program("audiocraft", "audiocraft 1.3.0", audiocraft, ANY, 2e-3, FLIPS),
)
