"""Sound → MP3 or FLAC, for players. No other sound format is written."""

import io

import numpy as np
import soundfile

MP3_RATES = (8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
MAX_FLAC_RATE = 655_350


def encode_mp3(waveform: np.ndarray, sample_rate: int) -> bytes:
    """Encodes a waveform, (num_samples,) at one of MP3_RATES, as the bytes of an MP3 file.

    Example:
        >>> encode_mp3(np.zeros(16_000, np.float32), 16_000)[:1]
        b'\\xff'
    """
    return _encoded(waveform, sample_rate, format="MP3", subtype="MPEG_LAYER_III")


def encode_flac(waveform: np.ndarray, sample_rate: int) -> bytes:
    """Encodes a waveform, (num_samples,) at MAX_FLAC_RATE or less, as 16-bit FLAC.

    Samples beyond ±1 are clipped.

    Example:
        >>> encode_flac(np.zeros(16_000, np.float32), 16_000)[:4]
        b'fLaC'
    """
    return _encoded(np.clip(waveform, -1, 1), sample_rate, format="FLAC", subtype="PCM_16")


def _encoded(waveform: np.ndarray, sample_rate: int, **kind: str) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, waveform, sample_rate, **kind)
    return buffer.getvalue()
