"""Audio of any rate, channel count and sample format → mono float32 at one rate, whole or block by block.

A file is decoded by libsndfile (through soundfile) and resampled by soxr HQ; the channels are averaged first. An array
takes the same road, and so does a stream: the three agree bit for bit, whatever the blocks. Samples are never clipped
or normalized: float and lossy files may hold values beyond ±1, and keep them, as in soundfile and librosa.

Damage is an error, never short data. Found: a WAV, RF64, W64, AIFF, AU, CAF or SVX that ends over 64 bytes before its
header says; a FLAC that holds fewer samples than its header says, or stops between frames; an Ogg or Opus without a
whole last page; an MP3 two frames shorter than its Xing/Info/LAME count; libsndfile's own complaints; compressed audio
behind the end that libsndfile sees, from 16 kB and a tenth of the file (files joined end to end, a VBR MP3 without a
Xing header).

What it does not do: AAC, raw PCM, pipes. It cannot see that these were cut: an MP3 or FLAC whose header gives no count,
cut between two frames; a WAV or AU written to a pipe (its size is a placeholder, and whatever is there is read); NIST,
IRCAM, PAF, PVF, AVR, MAT5, SDS and other rare formats. Nor does it find noise where a bit flipped.

Source: upstream's vggish_input.py (mean over channels, then resampling; there with resampy).
"""

import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Real
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import soundfile
import soxr

from vggish_tf.errors import AudioError

MIN_SAMPLE_RATE = 100  # Hz. Half of it, 50 Hz, is far under the lowest mel edge; whale archives are above.
MAX_SAMPLE_RATE = 10_000_000  # Hz. Bat recorders reach 500 kHz, hydrophones 2 MHz.

_MAX_CHANNELS = 1024  # libsndfile's own limit
_MANY_CHANNELS = 64  # an array with more channels than this, and than samples, has them the wrong way round
_MAX_AMPLITUDE = 2.0**31  # no sample format, not even unscaled 32-bit integers, goes beyond
_LOUD = 64.0  # 36 dB over full scale: these are unscaled integers
_PIECE = 1 << 20  # values that are decoded or resampled at a time
_SIZE_SLACK = 64  # bytes; a shorter shortfall is a sloppy writer, not a cut
_MPEG_SLACK = 2 * 1152  # samples; encoders count the frame that holds the header, or do not
_CUT = "It may be cut short: copy it again, or save what is left with: ffmpeg -i OLD NEW.wav"
_TRANSPOSE = "channels come last, (num_samples, num_channels). Pass waveform.T, or one clip at a time."
_INTEGERS = {
    "int8": "Divide by 128",
    "uint8": "Subtract 128 and divide by 128",
    "int16": "Divide by 32768",
    "int32": "Divide by 2147483648 (by 8388608 if it holds 24-bit samples)",
}
# Where libsndfile's log says "NAME : 320000 (should be 239989)"; the first of the names that is in the log counts,
# since the log ends after 2 kB and long metadata can push the second line out.
_SIZE_LINES = {
    "WAV": ("data", "RIFF"),
    "WAVEX": ("data", "RIFF"),
    "RF64": ("Riff size",),
    "W64": ("riff",),
    "AIFF": ("SSND", "FORM"),
    "SVX": ("BODY", "FORM"),
    "AU": ("Data Size",),
    "CAF": ("data",),
}


class AudioInfo(NamedTuple):
    """What a header says. `num_samples` is None if it does not say, and an estimate for an MP3 without Xing header."""

    sample_rate: int
    num_channels: int
    num_samples: int | None
    format: str
    subtype: str


class _Sound(soundfile.SoundFile):
    """A SoundFile that only reads forward: soundfile seeks after every read, which GSM610, DWVW and SDS cannot."""

    def seekable(self) -> bool:
        return False


def audio_info(path) -> AudioInfo:
    """Opens a file, checks what can be checked without decoding it, and says what it is.

    Raises:
        AudioError: as load_audio, except for what only decoding shows.
    """
    with _opened(path) as (_, sound):
        known = None if sound.frames >= 2**62 else sound.frames
        return AudioInfo(sound.samplerate, sound.channels, known, sound.format, sound.subtype)


def load_audio(path) -> tuple[np.ndarray, int]:
    """Decodes a whole file: (num_samples, num_channels) float32 in [-1, 1], and its sample rate.

    Float and lossy files may go beyond ±1 and are left as they are. Takes twice the memory of the result for a moment;
    read_blocks takes none to speak of.

    Raises:
        AudioError: the file is missing, unreadable, empty, not audio, damaged or cut short (the module's docstring says
            when that can be seen), holds NaN or infinite samples, or has an absurd sample rate.

    Example:
        >>> import tempfile, soundfile
        >>> path = tempfile.mkdtemp() + "/click.wav"
        >>> soundfile.write(path, np.array([[0.5, -1.0]]), 44100)
        >>> load_audio(path)
        (array([[ 0.5, -1. ]], dtype=float32), 44100)
    """
    with _opened(path) as (file, sound):
        return np.concatenate(list(_decode(file, sound, _PIECE))), sound.samplerate


def read_blocks(path, target_rate, block_seconds: float = 10.0) -> Iterator[np.ndarray]:
    """Decodes a file in constant memory: mono float32 blocks at `target_rate`, of about `block_seconds` or less.

    Together they are to_mono(*load_audio(path), target_rate), bit for bit.

    Raises:
        AudioError: as load_audio. What only decoding shows is raised where it shows, before the last block.
    """
    if not (_is_number(block_seconds) and 0 < block_seconds < float("inf")):
        raise AudioError(f"block_seconds must be a positive number; received {block_seconds!r}.")
    with _opened(path) as (file, sound):
        stream = MonoStream(sound.samplerate, target_rate, sound.channels)
        for block in _decode(file, sound, block_seconds * sound.samplerate):
            mono = stream.push(block)
            if len(mono):
                yield mono
        tail = stream.finish()
        if len(tail):
            yield tail


def check_waveform(waveform, sample_rate) -> np.ndarray:
    """Returns an array as (num_samples, num_channels) float32, without a copy where it already is.

    Args:
        waveform: floating point, (num_samples,) or (num_samples, num_channels), within [-1, 1]; may be empty.
        sample_rate: Hz, from MIN_SAMPLE_RATE to MAX_SAMPLE_RATE; need not be whole.

    Raises:
        AudioError: integers, complex numbers, another rank, channels first, NaN or infinite samples, an absurd rate.

    Warns:
        UserWarning: samples beyond ±64, which are probably integers that were not divided.

    Example:
        >>> check_waveform([0.0, 0.5, 1.0], 16000).shape
        (3, 1)
    """
    _check_rate(sample_rate, "sample_rate")
    samples = _check_shape(waveform)
    if samples.shape[1] > max(_MANY_CHANNELS, len(samples)):
        raise AudioError(f"waveform has {samples.shape[1]} channels of {len(samples)} samples: {_TRANSPOSE}")
    _check_samples(samples, "waveform")
    return samples


def to_mono(waveform, sample_rate, target_rate) -> np.ndarray:
    """The mean over the channels, resampled: (num_samples at target_rate,) float32.

    Raises:
        AudioError: as check_waveform, and an array without samples.

    Example:
        >>> to_mono(np.array([[0.25, 0.75], [-1.0, 0.0]]), 16000, 16000)
        array([ 0.5, -0.5], dtype=float32)
    """
    samples = check_waveform(waveform, sample_rate)
    if not len(samples):
        raise AudioError("waveform has no samples; received an empty array.")
    stream = MonoStream(sample_rate, target_rate, samples.shape[1])
    step = max(1, _PIECE // samples.shape[1])
    blocks = [stream.push(samples[start : start + step]) for start in range(0, len(samples), step)]
    return np.concatenate([*blocks, stream.finish()])


class MonoStream:
    """Does what to_mono does block by block, in constant memory and with the same result bit for bit.

    Args:
        sample_rate, target_rate: Hz, as in check_waveform.
        num_channels: of every block; None takes it from the first one.

    Raises:
        AudioError: an absurd rate or number of channels.

    Example:
        >>> stream = MonoStream(48000, 16000)
        >>> blocks = [stream.push(np.zeros(48000)) for _ in range(3)] + [stream.finish()]
        >>> sum(map(len, blocks))
        48000
    """

    def __init__(self, sample_rate, target_rate, num_channels=None):
        _check_rate(sample_rate, "sample_rate")
        _check_rate(target_rate, "target_rate")
        if num_channels is not None and not (_is_number(num_channels) and num_channels in range(1, _MAX_CHANNELS + 1)):
            raise AudioError(f"num_channels must be from 1 to {_MAX_CHANNELS}, or None; received {num_channels!r}.")
        self._sample_rate, self._num_channels = sample_rate, num_channels
        self._num_samples, self._finished = 0, False
        self._resampler = None
        if sample_rate != target_rate:
            self._resampler = soxr.ResampleStream(sample_rate, target_rate, 1, dtype="float32", quality="HQ")

    def push(self, waveform) -> np.ndarray:
        """Takes the next block, which may be empty; returns (k,) float32, what can be said so far, which may be none.

        Raises:
            AudioError: as check_waveform; another number of channels than before; a stream that is finished.
        """
        self._check_open()
        samples = _check_shape(waveform) if self._num_channels else check_waveform(waveform, self._sample_rate)
        if samples.shape[1] != (self._num_channels or samples.shape[1]):
            raise AudioError(
                f"every block of a stream must have {self._num_channels} channels, as the first one or as declared; "
                f"received {samples.shape}. Make a new MonoStream for other audio."
            )
        _check_samples(samples, "waveform", self._num_samples)
        self._num_channels = samples.shape[1]
        self._num_samples += len(samples)
        return self._resample(_mean(samples))

    def finish(self) -> np.ndarray:
        """Returns what the resampler still holds, (k,) float32; the stream takes nothing more after it."""
        self._check_open()
        self._finished = True
        return self._resample(np.zeros(0, np.float32), last=True)

    def _resample(self, mono: np.ndarray, last: bool = False) -> np.ndarray:
        return mono if self._resampler is None else self._resampler.resample_chunk(mono, last=last)

    def _check_open(self):
        if self._finished:
            raise AudioError("this MonoStream is finished. Make a new one for the next clip.")


def _mean(samples: np.ndarray) -> np.ndarray:
    """Mean over channels, added one by one in float64: np.mean adds in an order that depends on the block's shape."""
    total = samples[:, 0].astype(np.float64)
    for channel in range(1, samples.shape[1]):
        total += samples[:, channel]
    return (total / samples.shape[1]).astype(np.float32)


# The checks of an array.


def _is_number(value) -> bool:
    return isinstance(value, Real) and not isinstance(value, (bool, np.bool_))


def _check_rate(rate, name: str):
    if not _is_number(rate):
        raise AudioError(f"{name} must be a number of Hz; received {rate!r}.")
    if not MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE:
        raise AudioError(f"{name} must be from {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE:,} Hz; received {rate!r}.")


def _check_shape(waveform) -> np.ndarray:
    """As (num_samples, num_channels) float32, whatever the values."""
    try:
        array = np.asarray(waveform)
    except (ValueError, TypeError) as error:
        raise AudioError(f"waveform must be an array of numbers; received {type(waveform).__name__}: {error}") from None
    if array.dtype.kind != "f" or array.ndim not in (1, 2):
        raise AudioError(
            "waveform must be floating point, (num_samples,) or (num_samples, num_channels); "
            f"received {array.dtype} {array.shape}. {_advice(array)}"
        )
    array = array[:, np.newaxis] if array.ndim == 1 else array
    if not 1 <= array.shape[1] <= _MAX_CHANNELS:
        raise AudioError(f"waveform has {array.shape[1]} channels, from 1 to {_MAX_CHANNELS} can be: {_TRANSPOSE}")
    with np.errstate(over="ignore"):  # float64 beyond float32 becomes infinite, which _check_samples reports
        return array.astype(np.float32, copy=False)


def _advice(array: np.ndarray) -> str:
    if array.dtype.kind == "f":
        return "Pass one clip at a time."
    divide = _INTEGERS.get(array.dtype.name, "Convert to floats within [-1, 1]")
    return f"{divide}, or read the file with vggish_tf.load_audio()."


def _check_samples(samples: np.ndarray, what, first: int = 0):
    """Raises if a sample is not a number that audio can hold; `first` is where `samples` begin in the clip."""
    peak = max(samples.max(initial=0), -samples.min(initial=0))
    if not peak <= _MAX_AMPLITUDE:  # NaN compares False
        bad = ~(np.abs(samples) <= _MAX_AMPLITUDE)
        sample, channel = np.argwhere(bad)[0]
        raise AudioError(
            f"{what}: {bad.sum():,} values are NaN, infinite or beyond ±2^31; the first is {samples[sample, channel]} "
            f"at sample {first + sample:,}, channel {channel}. Repair the source, or see numpy.nan_to_num()."
        )
    if peak > _LOUD:
        warnings.warn(f"{what} goes far beyond [-1, 1]. Divide 16-bit integers by 32768 first.", stacklevel=3)


# The checks of a file.


@contextmanager
def _opened(path) -> Iterator[tuple[BinaryIO, _Sound]]:
    """The file and its decoder, once everything is checked that can be before decoding."""
    with _open_file(path) as file:
        sound = _open_sound(file)
        with sound:
            _check_header(file, sound)
            yield file, sound


def _open_file(path) -> BinaryIO:
    if not isinstance(path, (str, os.PathLike)):
        raise AudioError(
            f"path must be a string or a Path; received {type(path).__name__}. "
            "Decode an open file with soundfile.read(), and pass the array."
        )
    path = Path(path)
    try:
        _check_path(path)
        return open(path, "rb", buffering=0)
    except OSError as error:
        raise AudioError(f"{path} cannot be read: {error.strerror}.") from None


def _check_path(path: Path):
    if path.is_dir():
        raise AudioError(f"{path} is a folder. Give the name of an audio file.")
    if not path.exists():
        raise AudioError(f"{path} does not exist. Check the name; the current folder is {Path.cwd()}.")
    if not path.is_file():
        raise AudioError(f"{path} is a pipe or a device. Save it to a file first.")
    if not path.stat().st_size:
        raise AudioError(f"{path} is empty (0 bytes). Copy it again.")


def _open_sound(file: BinaryIO) -> _Sound:
    try:  # Windows: a descriptor of Python's means nothing to the libsndfile DLL; the file object does, more slowly
        return _Sound(file) if os.name == "nt" else _Sound(file.fileno(), closefd=False)
    except (soundfile.SoundFileError, OSError, ValueError, TypeError) as error:
        reason = getattr(error, "error_string", error)
        raise AudioError(
            f"{file.name} is not audio that libsndfile can read, or is damaged: {str(reason).rstrip('.')}. "
            "If a player plays it, convert it: ffmpeg -i OLD NEW.wav"
        ) from None


def _check_header(file: BinaryIO, sound: _Sound):
    _check_rate(sound.samplerate, f"{file.name}: sample_rate")
    if not sound.frames:
        raise AudioError(
            f"{file.name} has a header and no samples. If a recorder did not finish it: ffmpeg -i OLD NEW.wav"
        )
    declared, held = _sizes(sound)
    if declared - held > _SIZE_SLACK and not _is_placeholder(declared):
        raise AudioError(f"{file.name}: the header promises {declared:,} bytes, the file holds {held:,}. {_CUT}")
    if re.search(r"^(\*\*\* File seems to be truncated|Seems to be a truncated file)", sound.extra_info, re.MULTILINE):
        raise AudioError(f"{file.name}: the header promises more than the file holds. {_CUT}")
    if sound.format == "OGG" and not _has_last_page(file):
        raise AudioError(f"{file.name}: the last Ogg page is missing or not whole. {_CUT}")


def _sizes(sound: _Sound) -> tuple[int, int]:
    """Bytes of sound as declared and as held, from libsndfile's log; (0, 0) if it compares none."""
    for name in _SIZE_LINES.get(sound.format, ()):
        line = re.search(rf"^ *{name} *: (\d+)(?: \(should be (\d+)\))?\r?$", sound.extra_info, re.MULTILINE)
        if line:
            return int(line[1]), int(line[2] or line[1])
    return 0, 0


def _is_placeholder(size: int) -> bool:
    """Whether a size is what programs write that do not know it yet: ffmpeg 2³² − 1, sox 0x7FFFF000, arecord 2³¹."""
    return 0x7FFF0000 <= size <= 0x80000100 or 0xFFFF0000 <= size <= 0xFFFFFFFF or size >= 2**62


def _has_last_page(file: BinaryIO) -> bool:
    """Whether an Ogg file ends in a whole page with the end-of-stream bit (RFC 3533, section 6)."""
    tail = _read_at(file, max(0, os.fstat(file.fileno()).st_size - 2 * 65307), 2 * 65307)
    page = tail[tail.rfind(b"OggS") :]
    return len(page) > 27 and bool(page[5] & 4) and len(page) >= 27 + page[26] + sum(page[27 : 27 + page[26]])


def _has_sample_count(file: BinaryIO) -> bool:
    """Whether the first frame of an MP3, behind an ID3v2 tag, counts the frames; otherwise libsndfile guesses."""
    head = _read_at(file, 0, 10)
    start = 0
    if head[:3] == b"ID3":
        start = 10 + sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
    first = _read_at(file, start, 4096)
    return any(tag in first for tag in (b"Xing", b"Info", b"VBRI"))


def _read_at(file: BinaryIO, start: int, size: int) -> bytes:
    """Reads without moving the place where libsndfile reads, which is the same file."""
    place = file.tell()
    file.seek(start)
    data = file.read(size)
    file.seek(place)
    return data


def _decode(file: BinaryIO, sound: _Sound, block_samples: float) -> Iterator[np.ndarray]:
    """Blocks (num_samples, num_channels) float32, then the checks that only the end allows."""
    size = int(max(1, min(block_samples, _PIECE // sound.channels)))
    count = 0
    while True:
        try:  # no more than is promised: libsndfile would decode it, throw it away, and _check_count see none left
            block = sound.read(max(1, min(size, sound.frames - count)), dtype="float32", always_2d=True)
        except (soundfile.SoundFileError, OSError, ValueError) as error:
            reason = getattr(error, "error_string", error) or "decoder error"
            raise AudioError(f"{file.name}: decoding failed after {count:,} samples ({reason}). {_CUT}") from None
        if not len(block):
            break
        _check_samples(block, file.name, count)
        yield block
        count += len(block)
    _check_count(file, sound, count)


def _check_count(file: BinaryIO, sound: _Sound, count: int):
    """Raises if a header promised more, or if compressed audio is left that libsndfile did not decode."""
    is_mpeg = sound.subtype.startswith("MPEG")
    counted = sound.frames < 2**62 and (not is_mpeg or _has_sample_count(file))
    if counted and sound.frames - count > (_MPEG_SLACK if is_mpeg else 0):
        raise AudioError(f"{file.name}: the header promises {sound.frames:,} samples, the file holds {count:,}. {_CUT}")
    size = os.fstat(file.fileno()).st_size
    left = size - file.tell()
    if (is_mpeg or sound.format in ("FLAC", "OGG")) and left > max(size // 10, 1 << 14):
        raise AudioError(
            f"{file.name}: its {count:,} samples end {left:,} of {size:,} bytes before the file does. Files joined end "
            "to end, and MP3 of variable bit rate without a Xing header, do this. Rewrite it: ffmpeg -i OLD NEW.wav"
        )
    if not count:
        raise AudioError(f"{file.name} has a header and no samples. Copy it again.")
