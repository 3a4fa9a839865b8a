"""Sound → MP3, for players: the only format that is written."""

import io

import numpy as np
import soundfile

MP3_RATES = (8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)


def encode_mp3(waveform: np.ndarray, sample_rate: int) -> bytes:
    """Encodes a waveform, (num_samples,) at one of MP3_RATES, as the bytes of an MP3 file.

    Example:
        >>> encode_mp3(np.zeros(16_000, np.float32), 16_000)[:1]
        b'\\xff'
    """
    buffer = io.BytesIO()
    soundfile.write(buffer, waveform, sample_rate, format="MP3", subtype="MPEG_LAYER_III")
    return buffer.getvalue()
