"""Published pipelines written down once more, step by step as their programs have them, in float64.

Each takes (num_samples, num_channels) at a rate and returns log-mel examples. Nothing of the
package is in them but upstream's mel_features, which its own tests compare with torchvggish's copy.
"""

import numpy as np
from scipy import special

from vggish_tf.reference import mel_features

RATE = 16_000


def kernel_sum(samples, rate, target, zeros, rolloff, window, like="torchaudio"):
    """A windowed sinc, one output after the other, by its definition."""
    cutoff = min(rate, target) * rolloff
    count = len(samples) * target / rate
    outputs = []
    for output in range(int(np.floor(count) if like == "julius" else np.ceil(count))):
        reach = int(np.ceil(zeros * rate / cutoff)) + 1
        nearest = int(output * rate / target)
        inputs = np.arange(nearest - reach, nearest + reach + 1)
        times = (inputs / rate - output / target) * cutoff
        weights = np.sinc(times) * np.where(abs(times) <= zeros, window(times / zeros), 0)
        if like == "julius":
            held = samples[np.clip(inputs, 0, len(samples) - 1)]
            outputs.append(weights @ held / weights.sum())
        else:
            inside = (inputs >= 0) & (inputs < len(samples))
            outputs.append(weights[inside] @ samples[inputs[inside]] * cutoff / rate)
    return np.array(outputs)


def hann(times):
    return np.cos(np.pi * times / 2) ** 2


def kaiser(times):
    beta = 14.769656459379492
    return special.i0(beta * np.sqrt(np.maximum(1 - times**2, 0))) / special.i0(beta)


def torchaudio_hann(samples, rate):
    return samples if rate == RATE else kernel_sum(samples, rate, RATE, 6, 0.99, hann)


def torchaudio_kaiser(samples, rate):
    if rate == RATE:
        return samples
    return kernel_sum(samples, rate, RATE, 64, 0.9475937167399596, kaiser)


def julius(samples, rate):
    return samples if rate == RATE else kernel_sum(samples, rate, RATE, 24, 0.945, hann, "julius")


def log_mel(samples):
    return mel_features.log_mel_spectrogram(
        samples,
        audio_sample_rate=RATE,
        log_offset=0.01,
        window_length_secs=0.025,
        hop_length_secs=0.010,
        num_mel_bins=64,
        lower_edge_hertz=125,
        upper_edge_hertz=7500,
    )


def examples(samples):
    frames = log_mel(samples)
    return [frames[start : start + 96] for start in range(0, len(frames) - 95, 96)]


def int16_of_libsndfile(samples):
    return np.clip(np.floor(samples * 32_768), -32_768, 32_767) / 32_768


def mixed(samples, rate):
    return examples(samples.mean(axis=1))


def cut(samples, rate):
    return examples(int16_of_libsndfile(samples).mean(axis=1))


def fadtk(samples, rate):
    mono = int16_of_libsndfile(torchaudio_kaiser(samples.mean(axis=1), rate))
    return examples(np.pad(mono, (0, max(RATE - len(mono), 0))))


def kadtk(samples, rate):
    return examples(int16_of_libsndfile(torchaudio_kaiser(samples.mean(axis=1), rate)))


def audioldm_eval(samples, rate):
    first = samples[:, 0] - samples[:, 0].mean()
    first = torchaudio_hann(first, rate)
    return examples(np.pad(first, (0, max(2 * RATE - len(first), 0))))


def openmic(samples, rate):
    mono = samples.mean(axis=1)
    return examples(mono / abs(mono).max())


def google(integers):
    """AudioSetModel.extract_features, of the integers of a WAV file."""
    samples = integers / max(0.1, integers.max())
    starts = range(0, len(samples) - RATE + 1, RATE // 2)
    return [log_mel(samples[start : start + RATE])[:96] for start in starts]


def google_fad(samples, rate):
    return google(samples[:, 0] * 32_768)


def audiocraft(samples, rate):
    mono = np.stack([julius(channel, rate) for channel in samples.T]).mean(axis=0)
    loud = np.clip(mono * 10 ** (-1 / 20) / abs(mono).max(), -1, 1)
    return google(np.clip(np.rint(loud * 32_768), -32_768, 32_767))


def mteb(samples, rate):
    """torchaudio's MelSpectrogram: a centred window, mirrored ends, triangles over Hz."""
    mono = torchaudio_hann(samples.mean(axis=1), rate)[: 30 * RATE]
    mono = mono / abs(mono).max() if abs(mono).max() > 1 else mono
    mono = np.pad(mono, (0, max(15_360 - len(mono), 0))).astype(np.float32)  # as PyTorch has it
    padded = np.pad(mono, 256, mode="reflect")
    window = np.zeros(512)
    window[56:456] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    starts = range(0, len(padded) - 511, 160)
    spectra = np.array([abs(np.fft.rfft(padded[start : start + 512] * window)) for start in starts])
    frames = np.log(spectra @ hertz_triangles() + 0.001)
    return [frames[start : start + 96] for start in range(0, len(frames) - 95, 96)]


def hertz_triangles():
    mels = np.linspace(2595 * np.log10(1 + 125 / 700), 2595 * np.log10(1 + 7500 / 700), 66)
    edges = 700 * (10 ** (mels / 2595) - 1)
    bins = np.linspace(0, 8_000, 257)
    return np.array(
        [np.interp(bins, edges[i : i + 3], [0, 1, 0], left=0, right=0) for i in range(64)]
    ).T
