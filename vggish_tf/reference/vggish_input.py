"""Waveform or audio file → log-mel examples, the input of the network, in float64.

All sizes are those in `vggish_params` at the time of the call, so editing its globals has an
effect. `vggish_tf.audio` decodes and resamples; audio at the rate in `vggish_params` is neither
resampled nor rounded.

Source: tensorflow/models research/audioset/vggish/vggish_input.py.
"""

import io
import os
import shutil
import tempfile

import numpy as np

from vggish_tf import audio
from vggish_tf.errors import AudioError
from vggish_tf.reference import mel_features, vggish_params


def waveform_to_examples(data, sample_rate):
    """Averages the channels, resamples if needed, and computes log-mel examples.

    Args:
        data: (num_samples,) or (num_samples, num_channels), floating point, in [-1, 1].
        sample_rate: Hz of `data`.

    Returns:
        (num_examples, 96, 64) float64. An incomplete last example is dropped, so a clip under
        15,600 samples has none.

    Raises:
        AudioError: the data are integers, have more than two axes, channels first, or NaN or
            infinite samples; the rate is impossible; or there are too few samples for `frame`
            (under 240).

    Example:
        >>> waveform_to_examples(np.zeros((48000, 2)), 16000).shape
        (3, 96, 64)

    Source: vggish_input.waveform_to_examples.
    """
    audio.check_waveform(data, sample_rate)
    data = np.asarray(data)
    if data.ndim > 1:
        data = np.mean(data, axis=1)
    if sample_rate != vggish_params.SAMPLE_RATE:
        data = audio.to_mono(data, sample_rate, vggish_params.SAMPLE_RATE)
    return _examples(_log_mel(data))


def wavfile_to_examples(wav_file):
    """`waveform_to_examples` for an audio file; for a 16-bit WAV the result is upstream's.

    Args:
        wav_file: a path, or a binary file object, which is read to its end; any format that
            `vggish_tf.load_audio` reads.

    Returns:
        (num_examples, 96, 64) float64.

    Raises:
        AudioError: the file is not audio, is cut short, or holds too few samples.

    Example:
        >>> wavfile_to_examples("bus_chatter.wav").shape  # doctest: +SKIP
        (19, 96, 64)

    Source: vggish_input.wavfile_to_examples.
    """
    load = _load_open if hasattr(wav_file, "read") else audio.load_audio
    samples, sample_rate = load(wav_file)
    return waveform_to_examples(samples.astype(np.float64), sample_rate)


def _load_open(file):
    """load_audio for the rest of an open file, which is copied so that damage can be detected."""
    if isinstance(file, io.TextIOBase):
        raise AudioError(
            "wav_file must be a path or a file opened for bytes; received text. Open it with 'rb'."
        )
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "wav_file")
        with open(copy, "wb") as target:
            shutil.copyfileobj(file, target)
        try:
            return audio.load_audio(copy)
        except AudioError as error:
            raise AudioError(str(error).replace(copy, "wav_file")) from None


def _log_mel(data):
    return mel_features.log_mel_spectrogram(
        data,
        audio_sample_rate=vggish_params.SAMPLE_RATE,
        log_offset=vggish_params.LOG_OFFSET,
        window_length_secs=vggish_params.STFT_WINDOW_LENGTH_SECONDS,
        hop_length_secs=vggish_params.STFT_HOP_LENGTH_SECONDS,
        num_mel_bins=vggish_params.NUM_MEL_BINS,
        lower_edge_hertz=vggish_params.MEL_MIN_HZ,
        upper_edge_hertz=vggish_params.MEL_MAX_HZ,
    )


def _examples(log_mel):
    """(num_frames, num_mel_bins) → (num_examples, window, num_mel_bins).

    The lengths in seconds are rounded to whole frames.
    """
    frames_per_second = 1.0 / vggish_params.STFT_HOP_LENGTH_SECONDS
    window = int(round(vggish_params.EXAMPLE_WINDOW_SECONDS * frames_per_second))
    hop = int(round(vggish_params.EXAMPLE_HOP_SECONDS * frames_per_second))
    if len(log_mel) < window:
        return np.zeros((0, window, log_mel.shape[1]))
    return mel_features.frame(log_mel, window_length=window, hop_length=hop)
