"""Audio files and arrays → mono float32 at one sample rate.

    waveform     checks of arrays
    caf          damage of CAF files that libsndfile does not see
    sound_file   files, through libsndfile
    ffmpeg       files that libsndfile cannot read
    mono         both → mono float32 at one rate, whole or block by block
    mp3          sound → MP3, for players
    ahead        several files decoded in threads, a few ahead

The only room with soundfile, soxr and ffmpeg. No TensorFlow here.
"""

from vggish_tf.audio.ahead import decoded_ahead
from vggish_tf.audio.mono import (
    RESAMPLER,
    MonoStream,
    array_blocks,
    audio_info,
    failure_of,
    load_audio,
    read_blocks,
    read_stretch,
    suffixes,
    to_mono,
)
from vggish_tf.audio.sound_file import AudioInfo
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
    "RESAMPLER",
    "AudioInfo",
    "MonoStream",
    "array_blocks",
    "audio_info",
    "check_examples",
    "check_shape",
    "check_waveform",
    "decoded_ahead",
    "failure_of",
    "load_audio",
    "read_blocks",
    "read_stretch",
    "suffixes",
    "to_mono",
]
