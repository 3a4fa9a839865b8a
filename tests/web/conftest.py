"""A page of a small network, served, and a browser to open it in."""

import keras
import numpy as np
import pytest
import small_network
import soundfile
import soxr
from browser import launched, playwright
from serving_folders import serving

from vggish_tf import VGGish
from vggish_tf.jobs.demo import DATA
from vggish_tf.jobs.export import export


@pytest.fixture(scope="module")
def small_model():
    """A small network whose embeddings of different sounds differ, and which has biases."""
    keras.utils.set_random_seed(0)
    with small_network.shrunken():
        return small_network.randomize(VGGish(None, inputs="examples"))


@pytest.fixture(scope="module")
def site(small_model, onnxruntime_web, tmp_path_factory):
    """The folder of its page, in float32. Do not change it."""
    folder = tmp_path_factory.mktemp("web") / "site"
    with pytest.MonkeyPatch.context() as patch, small_network.shrunken():
        patch.setenv("VGGISH_TF_CACHE", str(onnxruntime_web.parent))
        export(small_model, folder, format="web", precision="float32")
    return folder


@pytest.fixture(scope="module")
def address(site):
    with serving(site) as server:
        yield server.address


@pytest.fixture(scope="module")
def started():
    with playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(started):
    with launched(started) as browser:
        yield browser


@pytest.fixture(scope="module")
def microphone_file(tmp_path_factory):
    """The sound of a microphone that is none: the demo clip's siren and rain, at 48 kHz."""
    path = tmp_path_factory.mktemp("microphone") / "siren_and_rain.wav"
    clip, rate = soundfile.read(str(DATA / "demo.flac"))
    siren, rain = (clip[int(rate * start) : int(rate * (start + 2.7))] for start in (11.6, 16.4))
    # long, so that a busy machine can hold a button within one of them
    sound = np.concatenate([rain[:rate], np.tile(siren, 3), np.tile(rain, 3)])
    soundfile.write(path, soxr.resample(sound, rate, 48_000), 48_000, "PCM_16")
    return path


@pytest.fixture(scope="module")
def browser_with_microphone(started, microphone_file):
    """It plays the file again and again. Whether a page may listen, its context decides."""
    file = f"--use-file-for-fake-audio-capture={microphone_file}"
    with launched(started, "--use-fake-device-for-media-stream", file) as browser:
        yield browser
