"""Sound files of every container that soundfile writes."""

import numpy as np
import soundfile

LOSSLESS = [
    *[("WAV", subtype) for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")],
    *[
        (container, "PCM_16")
        for container in ("WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "VOC")
    ],
    ("AIFF", "FLOAT"),
    ("FLAC", "PCM_24"),
    ("CAF", "ALAC_16"),
    ("AIFF", "DWVW_16"),
]
LOSSY = [
    *[("WAV", subtype) for subtype in ("ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM", "GSM610")],
    ("AIFF", "GSM610"),
    ("AU", "ULAW"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"),
]
MONO_ONLY = ("GSM610", "DWVW_16")


def sound(num_samples=40_000, num_channels=2, rate=16_000):
    """Two tones that differ between channels, with some noise so that no format compresses it to
    nothing.
    """
    time = np.arange(num_samples)[:, np.newaxis] / rate
    tones = 0.4 * np.sin(2 * np.pi * time * np.array([440, 660, 880])[:num_channels])
    return (tones + 0.02 * np.random.default_rng(0).standard_normal(tones.shape)).astype(np.float32)


def make(folder, container="WAV", subtype="PCM_16", rate=16_000, samples=None):
    """Writes a file of a container and subtype; returns its path and what was written."""
    samples = sound(num_channels=1 if subtype in MONO_ONLY else 2) if samples is None else samples
    path = folder / f"{container}_{subtype}.bin"  # the content says what it is, not the name
    soundfile.write(path, samples, rate, format=container, subtype=subtype)
    return path, samples


def write_noise(path, seconds, seed=0, rate=16_000):
    """A WAV file of noise from a seed; returns its path."""
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, int(seconds * rate))
    soundfile.write(path, samples, rate)
    return path


def write_sets(folder, count, seconds=2, names=("real", "made")):
    """Files of noise, of which each goes into the next of some folders."""
    for number in range(count):
        place = folder / names[number % len(names)]
        place.mkdir(exist_ok=True)
        write_noise(place / f"{number}.wav", seconds, number)
