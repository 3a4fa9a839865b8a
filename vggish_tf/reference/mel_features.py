"""Waveform → log-mel spectrogram, in NumPy and float64: the reference for the Keras front end.

The functions are in the order of the data: frames, window, magnitude spectrum, mel matrix,
logarithm. No audio files and no resampling here. Of VGGish, only the mel scale is fixed: every rate
and length is an argument.

Source: tensorflow/models research/audioset/vggish/mel_features.py.
"""

import numpy as np

from vggish_tf import params
from vggish_tf.errors import AudioError, ParamsError, warn

# The HTK mel scale, under upstream's private names, which some notebooks print.
_MEL_BREAK_FREQUENCY_HERTZ = params.MEL_BREAK_FREQUENCY_HERTZ
_MEL_HIGH_FREQUENCY_Q = params.MEL_HIGH_FREQUENCY_Q


def frame(data, window_length, hop_length):
    """Cuts the first axis into overlapping frames, without a copy.

    Frame i is `data[i * hop_length : i * hop_length + window_length]`; an incomplete last frame is
    dropped. The frames share the memory of `data`.

    Args:
        data: (num_samples, …).
        window_length: samples in a frame.
        hop_length: samples from one frame to the next.

    Returns:
        (num_frames, window_length, …), num_frames = 1 + floor((num_samples - window_length) /
        hop_length).

    Raises:
        AudioError: num_frames would be negative. (Zero frames are allowed; upstream's formula gives
            them from window_length - hop_length samples on.)
        ParamsError: a window or a hop is under 1.

    Example:
        >>> frame(np.arange(7), window_length=4, hop_length=2)
        array([[0, 1, 2, 3],
               [2, 3, 4, 5]])

    Source: mel_features.frame.
    """
    if window_length < 1 or hop_length < 1:
        raise ParamsError(
            "window_length and hop_length must be at least 1; received "
            f"window_length={window_length!r}, hop_length={hop_length!r}."
        )
    num_samples = data.shape[0]
    num_frames = 1 + int(np.floor((num_samples - window_length) / hop_length))
    if num_frames < 0:
        raise AudioError(
            f"audio is too short for frames of {window_length} every {hop_length}: received "
            f"{num_samples}; at least {window_length - hop_length} are needed, and {window_length} "
            "for the first frame. Zero-pad it."
        )
    shape = (num_frames, window_length, *data.shape[1:])
    strides = (data.strides[0] * hop_length, *data.strides)
    return np.lib.stride_tricks.as_strided(data, shape=shape, strides=strides)


def periodic_hann(window_length):
    """Hann window of period window_length: (window_length,) float64.

    `np.hanning(window_length)` is the symmetric window; this one is the first window_length values
    of `np.hanning(window_length + 1)`.

    Example:
        >>> periodic_hann(4)
        array([0. , 0.5, 1. , 0.5])

    Source: mel_features.periodic_hann.
    """
    return 0.5 - (0.5 * np.cos(2 * np.pi / window_length * np.arange(window_length)))


def stft_magnitude(signal, fft_length, hop_length=None, window_length=None):
    """Magnitude (not power) of the short-time Fourier transform.

    Args:
        signal: (num_samples,).
        fft_length: points of the transform. A frame is padded at its end, not on both sides.
        hop_length: samples from one frame to the next; None is an error, as upstream.
        window_length: samples in a frame; None is an error, as upstream.

    Returns:
        (num_frames, fft_length // 2 + 1) float64.

    Raises:
        AudioError: the signal has more than one axis, or is too short (see `frame`).
        TypeError: hop_length or window_length is missing.

    Example:
        >>> stft_magnitude(np.ones(8), fft_length=4, hop_length=4, window_length=4)
        array([[2., 1., 0.],
               [2., 1., 0.]])

    Source: mel_features.stft_magnitude.
    """
    if signal.ndim != 1:
        raise AudioError(
            f"signal must be (num_samples,); received {signal.shape}. Average the channels first."
        )
    frames = frame(signal, window_length, hop_length)
    return np.abs(np.fft.rfft(frames * periodic_hann(window_length), int(fft_length)))


def hertz_to_mel(frequencies_hertz):
    """HTK mel of frequencies in Hz, a number or an array: 1127 ln(1 + f / 700).

    Example:
        >>> round(float(hertz_to_mel(250000)), 9)
        6627.810306639

    Source: mel_features.hertz_to_mel.
    """
    return params.hertz_to_mel(frequencies_hertz)


def spectrogram_to_mel_matrix(
    num_mel_bins=20,
    num_spectrogram_bins=129,
    audio_sample_rate=8000,
    lower_edge_hertz=125.0,
    upper_edge_hertz=3800.0,
):
    """Mel filter bank: the matrix M for which `spectrogram @ M` is the mel spectrogram.

    Bin i is a triangle with its corners at the edges i, i + 1, i + 2 of num_mel_bins + 2 equal
    steps in mel. Its sides are straight in mel, not in Hz; its peak is 1; the weight of 0 Hz is 0
    in every bin.

    Args:
        num_mel_bins: columns.
        num_spectrogram_bins: rows, fft_length // 2 + 1.
        audio_sample_rate: Hz; the last row is half of it.
        lower_edge_hertz: lower edge of the first triangle.
        upper_edge_hertz: upper edge of the last triangle.

    Returns:
        (num_spectrogram_bins, num_mel_bins) float64.

    Raises:
        ValueError: lower_edge_hertz is negative or not under upper_edge_hertz, or upper_edge_hertz
            is over audio_sample_rate / 2.

    Warns:
        UserWarning: columns are zero everywhere; the message has their numbers.

    Example:
        >>> spectrogram_to_mel_matrix(num_mel_bins=2, num_spectrogram_bins=5)[:, 0].round(3)
        array([0.   , 0.721, 0.   , 0.   , 0.   ])

    Source: mel_features.spectrogram_to_mel_matrix.
    """
    nyquist_hertz = audio_sample_rate / 2.0
    _check_mel_edges(lower_edge_hertz, upper_edge_hertz, nyquist_hertz)
    bins = hertz_to_mel(np.linspace(0.0, nyquist_hertz, num_spectrogram_bins))[:, np.newaxis]
    lowest, highest = hertz_to_mel(lower_edge_hertz), hertz_to_mel(upper_edge_hertz)
    edges = np.linspace(lowest, highest, num_mel_bins + 2)
    lower, center, upper = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins - lower) / (center - lower)
    falling = (upper - bins) / (upper - center)
    # row 0 is zero, since no lower edge is under 0 Hz
    matrix = np.maximum(0.0, np.minimum(rising, falling))
    _warn_of_empty_mel_bins(matrix, nyquist_hertz)
    return matrix


def log_mel_spectrogram(
    data,
    audio_sample_rate=8000,
    log_offset=0.0,
    window_length_secs=0.025,
    hop_length_secs=0.010,
    **kwargs,
):
    """Natural logarithm of the mel spectrogram plus log_offset.

    Args:
        data: (num_samples,). Integers are not scaled.
        audio_sample_rate: Hz.
        log_offset: keeps the logarithm finite at silence; VGGish has 0.01.
        window_length_secs, hop_length_secs: rounded to whole samples; fft_length is the smallest
            power of two that holds a window.
        **kwargs: for `spectrogram_to_mel_matrix`: num_mel_bins, lower_edge_hertz, upper_edge_hertz.

    Returns:
        (num_frames, num_mel_bins) float64.

    Raises:
        AudioError, ValueError: as the functions above.

    Example:
        >>> log_mel_spectrogram(np.zeros(400), log_offset=1.0).shape
        (3, 20)

    Source: mel_features.log_mel_spectrogram.
    """
    window_length = int(round(audio_sample_rate * window_length_secs))
    hop_length = int(round(audio_sample_rate * hop_length_secs))
    fft_length = 1 << (window_length - 1).bit_length()
    spectrogram = stft_magnitude(
        data, fft_length=fft_length, hop_length=hop_length, window_length=window_length
    )
    mel_matrix = spectrogram_to_mel_matrix(
        num_spectrogram_bins=spectrogram.shape[1], audio_sample_rate=audio_sample_rate, **kwargs
    )
    return np.log(np.dot(spectrogram, mel_matrix) + log_offset)


def _check_mel_edges(lower_hertz, upper_hertz, nyquist_hertz):
    if lower_hertz < 0.0:
        raise ValueError(f"lower_edge_hertz must be at least 0; received {lower_hertz:g}.")
    if lower_hertz >= upper_hertz:
        raise ValueError(
            f"lower_edge_hertz must be under upper_edge_hertz={upper_hertz:g}; received "
            f"{lower_hertz:g}."
        )
    if upper_hertz > nyquist_hertz:
        raise ValueError(
            f"upper_edge_hertz must be at most {nyquist_hertz:g}, half of audio_sample_rate; "
            f"received {upper_hertz:g}."
        )


def _warn_of_empty_mel_bins(matrix, nyquist_hertz):
    empty = np.flatnonzero(~matrix.any(axis=0))
    if empty.size:
        spacing = nyquist_hertz / (matrix.shape[0] - 1)
        warn(
            f"mel bins {', '.join(map(str, empty))} hold no FFT bin: FFT bins are {spacing:.1f} Hz "
            "apart, wider than these triangles. They are log(log_offset) for any sound. Lengthen "
            "the window, raise lower_edge_hertz, or choose fewer num_mel_bins."
        )
