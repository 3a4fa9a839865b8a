"""Audio files and arrays → mono float32 at one sample rate.

    waveform     checks of arrays
    caf          damage of CAF files that libsndfile does not see
    sound_file   files, through libsndfile
    ffmpeg       files that libsndfile cannot read
    resamplers   resamplers of published pipelines
    preparation  the steps from decoded sound to mono at one rate
    streams      blocks → mono float32 at one rate
    mono         files and arrays → mono float32 at one rate, whole or block by block
    lengths      seconds of sound in many clips, by their headers
    players      sound → MP3 or FLAC, for players
    ahead        several files decoded at the same time, in threads

The only room with soundfile, soxr and ffmpeg. No TensorFlow here.
"""

from vggish_tf.audio.ahead import decoded_ahead
from vggish_tf.audio.lengths import total_seconds
from vggish_tf.audio.mono import (
    array_blocks,
    audio_info,
    failure_of,
    load_audio,
    pieces,
    read_blocks,
    read_stretch,
    suffixes,
    to_mono,
)
from vggish_tf.audio.preparation import Preparation
from vggish_tf.audio.resamplers import check_installed, described
from vggish_tf.audio.sound_file import AudioInfo
from vggish_tf.audio.streams import MonoStream, WholeClip, stream_of
from vggish_tf.audio.waveform import (
    MAX_SAMPLE_RATE,
    MIN_SAMPLE_RATE,
    check_examples,
    check_shape,
    check_waveform,
)

__all__ = [
    "MAX_SAMPLE_RATE",
    "MIN_SAMPLE_RATE",
    "AudioInfo",
    "MonoStream",
    "Preparation",
    "WholeClip",
    "array_blocks",
    "audio_info",
    "check_examples",
    "check_installed",
    "check_shape",
    "check_waveform",
    "decoded_ahead",
    "described",
    "failure_of",
    "load_audio",
    "pieces",
    "read_blocks",
    "read_stretch",
    "stream_of",
    "suffixes",
    "to_mono",
    "total_seconds",
]
