"""Checks of audio arrays: shape, dtype, finite values, possible sample rate.

Integers raise an error that gives the scale factor: it is never guessed. Channels first raise an
error too. Nothing is clipped or normalized.
"""

from numbers import Real

import numpy as np

from vggish_tf.errors import AudioError, counted, warn

MIN_SAMPLE_RATE = 100  # Hz. Even recordings of whales have higher rates.
MAX_SAMPLE_RATE = 10_000_000  # Hz. Bat recorders reach 500 kHz, hydrophones 2 MHz.

MAX_CHANNELS = 1024  # libsndfile's own limit
# an array with more channels than this, and with more channels than samples, has its axes swapped
_MANY_CHANNELS = 64
_MAX_AMPLITUDE = 2.0**31  # no sample format, not even unscaled 32-bit integers, goes beyond
_LOUD = 64.0  # 36 dB over full scale: such samples are unscaled integers
_TRANSPOSE = (
    "channels come last, (num_samples, num_channels). Pass waveform.T, or one clip at a time."
)
_INTEGERS = {
    "int8": "Divide by 128",
    "uint8": "Subtract 128 and divide by 128",
    "int16": "Divide by 32768",
    "int32": "Divide by 2147483648 (by 8388608 if it holds 24-bit samples)",
}


def check_waveform(waveform, sample_rate) -> np.ndarray:
    """Returns an array as (num_samples, num_channels) float32, without a copy if possible.

    Args:
        waveform: floating point, (num_samples,) or (num_samples, num_channels), within [-1, 1]; may
            be empty.
        sample_rate: Hz, from MIN_SAMPLE_RATE to MAX_SAMPLE_RATE; need not be whole.

    Raises:
        AudioError: the array has integers, complex numbers, a mask, another rank, channels first,
            or NaN or infinite samples; or the rate is impossible.

    Warns:
        UserWarning: samples beyond ±64, which are probably integers that were not divided.

    Example:
        >>> check_waveform([0.0, 0.5, 1.0], 16000).shape
        (3, 1)
    """
    check_rate(sample_rate, "sample_rate")
    samples = check_shape(waveform)
    check_axes(samples)
    check_samples(samples, "waveform")
    return samples


def is_number(value) -> bool:
    return isinstance(value, Real) and not isinstance(value, (bool, np.bool_))


def check_rate(rate, name: str):
    if not is_number(rate):
        raise AudioError(f"{name} must be a number of Hz; received {rate!r}.")
    if not MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE:
        raise AudioError(
            f"{name} must be from {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE:,} Hz; received {rate!r}."
        )


def check_shape(waveform) -> np.ndarray:
    """Returns an array as (num_samples, num_channels) float32; the values are not checked."""
    array = as_array(waveform, "waveform")
    if array.dtype.kind != "f" or array.ndim not in (1, 2):
        raise AudioError(
            "waveform must be floating point, (num_samples,) or (num_samples, num_channels); "
            f"received {array.dtype} {array.shape}. {_advice(array)}"
        )
    array = array[:, np.newaxis] if array.ndim == 1 else array
    if not 1 <= array.shape[1] <= MAX_CHANNELS:
        raise AudioError(
            f"waveform has {array.shape[1]} channels; expected 1 to {MAX_CHANNELS}: {_TRANSPOSE}"
        )
    # float64 beyond float32 becomes infinite, which check_samples reports
    with np.errstate(over="ignore"):
        return array.astype(np.float32, copy=False)


def check_axes(samples: np.ndarray):
    """Raises if there are many channels, and more than samples: the axes are swapped."""
    if samples.shape[1] > max(_MANY_CHANNELS, len(samples)):
        length = counted(len(samples), "sample")
        raise AudioError(f"waveform has {samples.shape[1]} channels of {length}: {_TRANSPOSE}")


def as_array(values, what: str) -> np.ndarray:
    """np.asarray, with an AudioError where that would fail or drop a mask."""
    if isinstance(values, np.ma.MaskedArray):
        raise AudioError(
            f"{what} is a masked array, and masks are not read. Fill it first: {what}.filled(0)."
        )
    try:
        return np.asarray(values)
    # RuntimeError: a PyTorch tensor that requires grad
    except (ValueError, TypeError, RuntimeError) as error:
        raise AudioError(
            f"{what} must be an array of numbers; received {type(values).__name__}: {error}"
        ) from None


def check_examples(examples, shape: tuple[int, int]) -> np.ndarray:
    """Returns log-mel examples as (n, *shape) float32.

    Raises:
        AudioError: the array has another shape, a mask, numbers that are not real, or NaN or
            infinite values.

    Example:
        >>> check_examples(np.zeros((2, 96, 64)), (96, 64)).dtype
        dtype('float32')
    """
    array = as_array(examples, "examples")
    if array.shape[1:] != shape:
        raise AudioError(f"examples must be (n, {shape[0]}, {shape[1]}); received {array.shape}.")
    if array.dtype.kind not in "fiu":
        raise AudioError(f"examples must be real numbers; received {array.dtype}.")
    with np.errstate(over="ignore"):  # float64 beyond float32 becomes infinite
        array = array.astype(np.float32, copy=False)
    if not np.isfinite(array).all():
        raise AudioError("examples must be finite; received NaN or infinity.")
    return array


def _advice(array: np.ndarray) -> str:
    if array.dtype.kind == "f":
        return "Pass one clip at a time."
    divide = _INTEGERS.get(array.dtype.name, "Convert to floats within [-1, 1]")
    return f"{divide}, or read the file with vggish_tf.load_audio()."


def check_samples(samples: np.ndarray, what, first: int = 0):
    """Raises if a sample is NaN, infinite or beyond ±2³¹.

    `first` is the place of samples[0] in the clip, for the message.
    """
    peak = max(samples.max(initial=0), -samples.min(initial=0))
    if not peak <= _MAX_AMPLITUDE:  # NaN compares False
        bad = ~(np.abs(samples) <= _MAX_AMPLITUDE)
        sample, channel = np.argwhere(bad)[0]
        bad_ones = counted(int(bad.sum()), "value is", "values are")
        raise AudioError(
            f"{what}: {bad_ones} NaN, infinite or beyond ±2^31; the first is "
            f"{samples[sample, channel]} at sample {first + sample:,}, channel {channel}. Repair "
            "the source, or see numpy.nan_to_num()."
        )
    if peak > _LOUD:
        warn(f"{what} goes far beyond [-1, 1]. Divide 16-bit integers by 32768 first.")
