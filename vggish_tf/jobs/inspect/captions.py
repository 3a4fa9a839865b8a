"""Captions: alt texts of a report's pictures, for readers who cannot see them.

They describe the recording: loud times and frequencies, and similar stretches.
"""

import numpy as np

from vggish_tf.drawing.axes import beside_diagonal, cosine_similarity, hertz_label, pool
from vggish_tf.drawing.panels import DECIBEL_FLOOR, Stages, full_scale_decibels, peak_hertz
from vggish_tf.errors import counted
from vggish_tf.jobs.inspect.spectrum import Spectrum, decibels

MOST_COMPARED = 1000  # examples; of more, the sums of neighbours are compared
LOUD_SECONDS = 0.5  # the time for which loudness is measured; "half second" in the text


def spectrum(measured: Spectrum, cutoff: float) -> str:
    """The strongest frequency, the spread of the energy, and its part above `cutoff` Hz."""
    hertz, energy = measured.hertz, measured.energy.cumsum()
    text = f"Energy over frequency from 0 to {hertz_label(hertz[-1])}: "
    if not energy[-1]:
        return text + "none, the file is silent."
    strongest = hertz_label(hertz[measured.energy.argmax()])
    half, most = (hertz_label(hertz[np.searchsorted(energy, s * energy[-1])]) for s in (0.5, 0.99))
    text += f"strongest at {strongest}; half of it lies below {half}, 99 % below {most}."
    if cutoff < hertz[-1]:
        removed = decibels(measured.share(lowest=np.nextafter(cutoff, np.inf)))
        text += f" Marked as removed: above {hertz_label(cutoff)}, {removed}."
    return text


def waveform(stages: Stages) -> str:
    """The peak, the mean level, and the loudest and quietest half second."""
    samples, rate = stages.waveform.astype(np.float64), stages.params.sample_rate
    text = f"Amplitude over {len(samples) / rate:.2f} s: "
    if not samples.any():
        return text + "silence, every sample is 0."
    size, power = np.abs(samples), _loudness(samples, round(LOUD_SECONDS * rate))
    loudest, quietest = power.argmax() * LOUD_SECONDS, power.argmin() * LOUD_SECONDS
    return (
        f"{text}the peak is {size.max():.3g} at {size.argmax() / rate:.2f} s, the mean level "
        f"{10 * np.log10(np.mean(samples**2)):.0f} dBFS; the loudest half second begins at "
        f"{loudest:g} s, the quietest at {quietest:g} s."
    )


def stft_magnitude(stages: Stages) -> str:
    """The loudest time and frequency, and the frequencies that hold most of the energy."""
    magnitude, params = stages.stft_magnitude, stages.params
    text = f"Spectrogram of {counted(len(magnitude), 'frame')}, "
    text += f"0 to {hertz_label(params.sample_rate / 2)}: "
    level = full_scale_decibels(magnitude.max(initial=0.0), params)
    if level <= DECIBEL_FLOOR:
        return text + "silence."
    frame, strongest = np.unravel_index(magnitude.argmax(), magnitude.shape)
    energy = np.einsum("ij,ij->j", magnitude, magnitude, dtype=np.float64).cumsum()
    hertz = np.arange(len(energy)) * params.sample_rate / params.fft_length
    low, high = hertz[np.searchsorted(energy, np.array([0.05, 0.95]) * energy[-1])]
    return (
        f"{text}loudest at {frame * stages.frame_seconds:.2f} s and "
        f"{hertz_label(hertz[strongest])}, with {level:.0f} dBFS; nine tenths of the energy lie "
        f"between {hertz_label(low)} and {hertz_label(high)}."
    )


def mel_matrix(stages: Stages) -> str:
    """The number of filters, and their frequencies."""
    peaks = peak_hertz(stages.params)
    return (
        f"{len(peaks)} triangles over frequency, the first with its peak at "
        f"{hertz_label(peaks[0])}, the last at {hertz_label(peaks[-1])}; "
        f"{np.sum(peaks < 1000)} of them below 1 kHz."
    )


def mel_scale(stages: Stages) -> str:
    """The beginning, middle and end of the curve."""
    mel, peaks = stages.params.mel_edges[1:-1], peak_hertz(stages.params)
    places = 0, len(peaks) // 2, -1
    first, middle, last = (f"{mel[i]:.0f} mel at {hertz_label(peaks[i])}" for i in places)
    return f"Mel over frequency, a curve that flattens: from {first} over {middle} to {last}."


def log_mel(stages: Stages) -> str:
    """The loudest bin, the loudest time, and the number of examples."""
    values, peaks = stages.log_mel, peak_hertz(stages.params)
    text = f"Log-mel spectrogram of {counted(len(values), 'frame')}, "
    text += f"{counted(len(stages.examples), 'example')}: "
    if not len(values):
        return text + "the clip is too short."
    if np.ptp(values) < 1e-6:
        return f"{text}{values[0, 0]:.3g} everywhere, silence."
    means = values.mean(axis=0)
    loud, quiet = means.argmax(), means.argmin()
    frame, strongest = np.unravel_index(values.argmax(), values.shape)
    return (
        f"{text}on average mel bin {loud} ({hertz_label(peaks[loud])}) is loudest with "
        f"{means[loud]:.2f}, bin {quiet} ({hertz_label(peaks[quiet])}) quietest with "
        f"{means[quiet]:.2f}; the largest value, {values.max():.2f}, is in bin {strongest} at "
        f"{frame * stages.frame_seconds:.2f} s."
    )


def embedding(stages: Stages) -> str:
    """The spread of the values, and the one furthest from zero."""
    rows = stages.embedding
    if rows is None or not len(rows):
        return "No embeddings."
    example, dimension = np.unravel_index(np.abs(rows).argmax(), rows.shape)
    return (
        f"{counted(len(rows), 'embedding')} of {rows.shape[1]} values, "
        f"{100 * np.mean(rows < 0):.0f} % of them negative, standard deviation {rows.std():.3g}; "
        f"the value furthest from zero is {rows[example, dimension]:.3g}, in dimension "
        f"{dimension} at {stages.timestamps[example]:.2f} s."
    )


def quantized(stages: Stages) -> str:
    """The spread of the bytes, and the share that is clipped."""
    rows = stages.quantized
    if rows is None or not len(rows):
        return "No quantized embeddings."
    clipped = 100 * np.mean((rows == 0) | (rows == 255))
    return (
        f"{counted(len(rows), 'quantized embedding')} of {rows.shape[1]} values from "
        f"{rows.min()} to {rows.max()}: mean {rows.mean():.0f}, standard deviation "
        f"{rows.std():.0f}; {clipped:.1f} % are clipped."
    )


def similarity(stages: Stages) -> str:
    """The median similarity of examples, and the most and least similar pair."""
    if stages.embedding is None or len(stages.embedding) < 2:
        return "No two embeddings to compare."
    sums, block = pool(stages.embedding, MOST_COMPARED, np.add)
    cosines = cosine_similarity(sums)
    median = np.median(beside_diagonal(cosines))
    np.fill_diagonal(cosines, np.nan)

    def pair(place) -> str:
        one, other = np.unravel_index(place, cosines.shape)
        times = stages.timestamps[::block]
        return f"{times[one]:.2f} s and {times[other]:.2f} s ({cosines[one, other]:.2f})"

    return (
        f"Cosines between {len(stages.embedding)} embeddings: median {median:.2f}; most alike are "
        f"{pair(np.nanargmax(cosines))}, least alike {pair(np.nanargmin(cosines))}."
    )


def _loudness(samples: np.ndarray, block: int) -> np.ndarray:
    """The mean power of every whole block; of all samples if there are fewer than a block."""
    block = min(block, len(samples))
    whole = len(samples) // block * block
    return (samples[:whole].reshape(-1, block) ** 2).mean(axis=1)
