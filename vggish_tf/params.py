"""The published constants of VGGish, and Params: the parameters of the front end as one value.

To change the front end, make another Params (`Params(example_hop_seconds=0.48)`); the constants,
which have their published names, are never edited in place. No signal processing here.

Source: tensorflow/models research/audioset/vggish/vggish_params.py.
"""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from vggish_tf import notebooks
from vggish_tf.errors import ParamsError, warn

# Architectural constants.
NUM_FRAMES = 96  # Frames in an example.
NUM_BANDS = 64  # Mel bins in a frame.
EMBEDDING_SIZE = 128

# Front end.
SAMPLE_RATE = 16000
STFT_WINDOW_LENGTH_SECONDS = 0.025
STFT_HOP_LENGTH_SECONDS = 0.010
NUM_MEL_BINS = NUM_BANDS
MEL_MIN_HZ = 125
MEL_MAX_HZ = 7500
LOG_OFFSET = 0.01  # Keeps the logarithm finite at silence.
EXAMPLE_WINDOW_SECONDS = 0.96
EXAMPLE_HOP_SECONDS = 0.96

# Post-processing.
PCA_EIGEN_VECTORS_NAME = "pca_eigen_vectors"
PCA_MEANS_NAME = "pca_means"
QUANTIZE_MIN_VAL = -2.0
QUANTIZE_MAX_VAL = +2.0
# Steps of a byte in a difference of 1.
QUANTIZE_SCALE = 255.0 / (QUANTIZE_MAX_VAL - QUANTIZE_MIN_VAL)

# Training.
INIT_STDDEV = 0.01
LEARNING_RATE = 1e-4
ADAM_EPSILON = 1e-8

# Names of ops, tensors and features.
INPUT_OP_NAME = "vggish/input_features"
INPUT_TENSOR_NAME = INPUT_OP_NAME + ":0"
OUTPUT_OP_NAME = "vggish/embedding"
OUTPUT_TENSOR_NAME = OUTPUT_OP_NAME + ":0"
AUDIO_EMBEDDING_FEATURE_NAME = "audio_embedding"

# The HTK mel scale.
MEL_BREAK_FREQUENCY_HERTZ = 700.0
MEL_HIGH_FREQUENCY_Q = 1127.0


def hertz_to_mel(hertz):
    """HTK mel of a frequency in Hz, a number or an array: 1127 ln(1 + f / 700).

    Example:
        >>> float(hertz_to_mel(8000))
        2840.0377117383778
    """
    return MEL_HIGH_FREQUENCY_Q * np.log(1.0 + np.asarray(hertz) / MEL_BREAK_FREQUENCY_HERTZ)


def mel_to_hertz(mel):
    """Frequency in Hz of an HTK mel, a number or an array.

    Example:
        >>> round(float(mel_to_hertz(2840.0377117383778)), 6)
        8000.0
    """
    return MEL_BREAK_FREQUENCY_HERTZ * np.expm1(np.asarray(mel) / MEL_HIGH_FREQUENCY_Q)


# Larger values are typing errors, and would need gigabytes.
_LARGEST = {
    "sample_rate": 10_000_000,
    "num_mel_bins": 10_000,
    "stft_window_seconds": 1e6,
    "stft_hop_seconds": 1e6,
    "mel_min_hz": 1e7,
    "mel_max_hz": 1e7,
    "log_offset": 1e30,
    "example_window_seconds": 3600,
    "example_hop_seconds": 1e6,
}
_MAX_WINDOW_LENGTH = 1 << 20
# For the table in notebooks: derived lengths, and units by the last word of a name.
_FOLLOWING = ("window_length", "hop_length", "fft_length", "num_frames", "example_hop_frames")
_UNITS = {"rate": "Hz", "hz": "Hz", "seconds": "s", "length": "samples", "frames": "frames"}


@dataclass(frozen=True)
class Params:
    """Parameters of the front end, in physical units.

    Properties give the lengths in samples and frames that follow from them.

    Args:
        sample_rate: the rate of the front end's input, in Hz. Audio at other rates is resampled.
        stft_window_seconds: the length of a frame of the short-time Fourier transform (STFT).
        stft_hop_seconds: the time from the start of one frame to the start of the next.
        mel_min_hz, mel_max_hz: the lower edge of the first mel bin and the upper edge of the last
            one.
        num_mel_bins: mel bins in a frame; the published network needs 64.
        log_offset: added to the mel spectrogram before the logarithm.
        example_window_seconds: the length of an example; the published network needs 96 frames.
        example_hop_seconds: the time from the start of one example to the start of the next;
            examples overlap if it is less than the window.

    Raises:
        ParamsError: a field that is not a number, or a combination that is impossible; the message
            names the field.

    Warns:
        UserWarning: no FFT bin falls into some mel bins; the message gives their numbers. Their
            value is ln(log_offset) for any sound.

    Example:
        >>> params = Params(example_hop_seconds=0.48)
        >>> params  # the fields that are not the published ones
        Params(example_hop_seconds=0.48)
        >>> params.num_frames, params.example_hop_frames, params.min_samples
        (96, 48, 15600)

    Source: the roundings of mel_features.log_mel_spectrogram and vggish_input.waveform_to_examples.
    """

    sample_rate: int = SAMPLE_RATE
    stft_window_seconds: float = STFT_WINDOW_LENGTH_SECONDS
    stft_hop_seconds: float = STFT_HOP_LENGTH_SECONDS
    mel_min_hz: float = MEL_MIN_HZ
    mel_max_hz: float = MEL_MAX_HZ
    num_mel_bins: int = NUM_MEL_BINS
    log_offset: float = LOG_OFFSET
    example_window_seconds: float = EXAMPLE_WINDOW_SECONDS
    example_hop_seconds: float = EXAMPLE_HOP_SECONDS

    def __post_init__(self):
        self._check_numbers()
        self._check_combinations()
        if self.empty_mel_bins:
            warn(self._describe_empty_mel_bins())

    @cached_property
    def window_length(self) -> int:
        """Samples in an STFT window."""
        return int(round(self.sample_rate * self.stft_window_seconds))

    @cached_property
    def hop_length(self) -> int:
        """Samples from one frame to the next."""
        return int(round(self.sample_rate * self.stft_hop_seconds))

    @cached_property
    def fft_length(self) -> int:
        """The smallest power of two that holds a window."""
        return 1 << (self.window_length - 1).bit_length()

    @cached_property
    def num_spectrogram_bins(self) -> int:
        """FFT bins from 0 Hz to the Nyquist frequency, both included."""
        return self.fft_length // 2 + 1

    @cached_property
    def num_frames(self) -> int:
        """Frames in an example."""
        return int(round(self.example_window_seconds * (1.0 / self.stft_hop_seconds)))

    @cached_property
    def example_hop_frames(self) -> int:
        """Frames from one example to the next."""
        return int(round(self.example_hop_seconds * (1.0 / self.stft_hop_seconds)))

    @cached_property
    def example_samples(self) -> int:
        """Samples from the start of an example to its end."""
        return self.num_frames * self.hop_length

    @cached_property
    def example_hop_samples(self) -> int:
        """Samples from one example to the next."""
        return self.example_hop_frames * self.hop_length

    @cached_property
    def min_samples(self) -> int:
        """Samples that one example needs."""
        return self.window_length + (self.num_frames - 1) * self.hop_length

    @cached_property
    def mel_edges(self) -> np.ndarray:
        """The num_mel_bins + 2 edges of the triangles, in mel.

        Bin i rises from edge i to i + 1 and falls to i + 2.
        """
        lowest, highest = hertz_to_mel(self.mel_min_hz), hertz_to_mel(self.mel_max_hz)
        edges = np.linspace(lowest, highest, self.num_mel_bins + 2)
        edges.setflags(write=False)
        return edges

    @cached_property
    def fft_bin_mels(self) -> np.ndarray:
        """The frequency of every FFT bin, in mel."""
        mels = hertz_to_mel(np.linspace(0.0, self.sample_rate / 2.0, self.num_spectrogram_bins))
        mels.setflags(write=False)
        return mels

    @cached_property
    def empty_mel_bins(self) -> tuple[int, ...]:
        """Mel bins that no FFT bin falls into. The DC bin does not count: upstream zeroes it."""
        mels = self.fft_bin_mels[1:]
        first = np.searchsorted(mels, self.mel_edges[:-2], side="right")
        last = np.searchsorted(mels, self.mel_edges[2:], side="left")
        return tuple(int(mel_bin) for mel_bin in np.flatnonzero(last <= first))

    def changes(self, trained: "Params") -> str:
        """The fields that differ from `trained`, except the example hop.

        The hop changes which examples there are, not how an example is computed.

        Example:
            >>> Params(mel_max_hz=8000, example_hop_seconds=0.48).changes(Params())
            'mel_max_hz=8000'
        """
        names = [field.name for field in fields(self) if field.name != "example_hop_seconds"]
        changed = [name for name in names if getattr(self, name) != getattr(trained, name)]
        return ", ".join(f"{name}={getattr(self, name)}" for name in changed)

    def __repr__(self) -> str:
        changed = [each.name for each in fields(self) if getattr(self, each.name) != each.default]
        return f"Params({', '.join(f'{name}={getattr(self, name)!r}' for name in changed)})"

    def _repr_html_(self) -> str:
        facts = {each.name: self._said(each.name, each.default) for each in fields(self)}
        facts |= {name: self._said(name) for name in _FOLLOWING}
        facts["min_samples"] = f"{self.min_samples:,} samples, the least that make an example"
        facts["empty_mel_bins"] = ", ".join(map(str, self.empty_mel_bins)) or "none"
        return notebooks.table("Params", facts)

    def _said(self, name: str, published: Any = None) -> str:
        """A value with its unit, and the published one if that is another."""
        value, unit = getattr(self, name), _UNITS.get(name.rpartition("_")[2], "")
        other = "" if published in (None, value) else f" (published: {published:,})"
        return f"{value:,} {unit}".rstrip() + other

    def _check_numbers(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.generic):  # which JSON, and so a Keras config, cannot hold
                value = value.item()
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise ParamsError(f"{field.name} must be a number; received {value!r}.")
            largest, may_be_zero = _LARGEST[field.name], field.name == "mel_min_hz"
            if not (0 < value <= largest or (value == 0 and may_be_zero)):
                expected = f"positive and at most {largest:,}"
                raise ParamsError(f"{field.name} must be {expected}; received {value!r:.40}.")
            if field.type is int and value != int(value):
                raise ParamsError(f"{field.name} must be a whole number; received {value!r}.")
            object.__setattr__(self, field.name, int(value) if field.type is int else value)

    def _check_combinations(self):
        if self.sample_rate * self.stft_window_seconds > _MAX_WINDOW_LENGTH:
            raise ParamsError(
                f"stft_window_seconds must be at most {_MAX_WINDOW_LENGTH:,} samples; received "
                f"{self.stft_window_seconds:g} s at {self.sample_rate} Hz."
            )
        nyquist = self.sample_rate / 2
        if self.mel_max_hz > nyquist:
            raise ParamsError(
                f"mel_max_hz must be at most {nyquist:g}, half of sample_rate={self.sample_rate}; "
                f"received {self.mel_max_hz:g}. Lower mel_max_hz or raise sample_rate."
            )
        if self.mel_min_hz >= self.mel_max_hz:
            raise ParamsError(
                f"mel_min_hz must be under mel_max_hz={self.mel_max_hz:g}; received "
                f"{self.mel_min_hz:g}."
            )
        for name, length, unit in (
            ("stft_window_seconds", self.window_length, "sample"),
            ("stft_hop_seconds", self.hop_length, "sample"),
            ("example_window_seconds", self.num_frames, "frame"),
            ("example_hop_seconds", self.example_hop_frames, "frame"),
        ):
            if length < 1:
                raise ParamsError(
                    f"{name} must be at least one {unit}; {getattr(self, name):g} s is less."
                )

    def _describe_empty_mel_bins(self) -> str:
        bins = ", ".join(map(str, self.empty_mel_bins))
        spacing = self.sample_rate / self.fft_length
        return (
            f"mel bins {bins} hold no FFT bin: FFT bins are {spacing:.1f} Hz apart, wider than "
            f"these triangles. They are ln({self.log_offset:g}) for any sound. Lengthen "
            "stft_window_seconds, raise mel_min_hz, or choose fewer num_mel_bins."
        )
