"""Sound files → blocks of float32 samples, with checks for damage.

libsndfile decodes, through soundfile. Damage raises an error; it never shortens the result.
Detected: a WAV, RF64, W64, AIFF, AU, CAF or SVX that lacks more than 64 bytes of what its header
promises; a FLAC that holds fewer samples than its header says, or stops between frames; an Ogg or
Opus without a whole last page; an MP3 more than two frames shorter than its Xing/Info/LAME count;
errors that libsndfile reports; compressed audio after the end that libsndfile finds (files joined
end to end, a VBR MP3 without a Xing header).

Not detected: a cut between two frames of an MP3 or FLAC whose header gives no count; a cut in a WAV
or AU that was written to a pipe, whose size is a placeholder; a cut in NIST, IRCAM, PAF, PVF, AVR,
MAT5 and other rare formats; noise from a flipped bit.

Not read: AAC and the other formats of ffmpeg.py; raw PCM; pipes; MIDI sample dumps (SDS), since
libsndfile prints their damage on standard output, and continues.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import soundfile

from vggish_tf.audio.caf import has_damaged_packets
from vggish_tf.audio.waveform import check_rate, check_samples
from vggish_tf.errors import AudioError

SUFFIXES = (
    ".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3",
    ".aiff", ".aif", ".aifc", ".au", ".snd", ".caf", ".w64", ".rf64",
)  # fmt: skip
PIECE = 1 << 20  # values that are decoded or resampled at a time
_SIZE_SLACK = 64  # bytes; so few are missing because of a careless writer, not because of a cut
_SDS = b"\xf0\x7e"  # the first bytes of a MIDI sample dump
_DENSE = ("MPEG", "ALAC", "VORBIS", "OPUS")  # codecs in which a byte may hold many samples
_MOST_SAMPLES = 16  # samples in a byte of any other codec but FLAC: 8 in DWVW, 4.9 in GSM
_MPEG_SLACK = 2 * 1152  # samples; some encoders count the frame with the header, others do not
CUT = "It may be cut short: copy it again, or save what is left with: ffmpeg -i OLD NEW.wav"
# The lines of libsndfile's log that say "NAME : 320000 (should be 239989)". The first of the names
# that is in the log is used: the log ends after 2 kB, and long metadata can push the second out.
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


# codecs in which a sample depends on no other, or, in a FLAC, only on those of its frame
_EXACT = ("PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW")


class AudioInfo(NamedTuple):
    """Header of a sound file.

    `num_samples` is None if the header has no count. It is an estimate for an MP3 without a Xing
    header and for formats that ffmpeg decodes.
    """

    sample_rate: int
    num_channels: int
    num_samples: int | None
    format: str
    subtype: str


class Sound(NamedTuple):
    """An open sound file: its header, and its decoder.

    `blocks(block_samples)` yields blocks (num_samples, num_channels) float32, up to the end. If the
    sound `is_exact`, it also takes `first`, the number of the first sample.
    """

    info: AudioInfo
    blocks: Callable[..., Iterator[np.ndarray]]
    is_exact: bool = False  # whether decoding can start at any sample, with the same result


class _Sound(soundfile.SoundFile):
    """A SoundFile that only reads forward.

    soundfile seeks after every read, which GSM610 and DWVW do not support.
    """

    def seekable(self) -> bool:
        return False


@contextmanager
def opened(file: BinaryIO) -> Iterator[Sound]:
    """Opens a file with libsndfile, after all checks that need no decoding.

    Raises:
        AudioError: the file is not audio, or is damaged.
    """
    with _open_sound(file) as sound:
        _check_header(file, sound)
        known = None if sound.frames >= 2**62 else sound.frames
        info = AudioInfo(sound.samplerate, sound.channels, known, sound.format, sound.subtype)
        is_exact = known is not None and sound.subtype in _EXACT
        yield Sound(info, partial(_decode, file, sound), is_exact)


def open_file(path) -> BinaryIO:
    """Opens a file of any content, after checking that it is a file.

    Raises:
        AudioError: the file is missing, empty, not a file or not readable.
    """
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
        raise AudioError(
            f"{path} does not exist. Check the name; the current folder is {Path.cwd()}."
        )
    if not path.is_file():
        raise AudioError(f"{path} is a pipe or a device. Save it to a file first.")
    if not path.stat().st_size:
        raise AudioError(f"{path} is empty (0 bytes). Copy it again.")


def _open_sound(file: BinaryIO) -> _Sound:
    if read_head(file, len(_SDS)) == _SDS:
        raise AudioError(
            f"{file.name} is a MIDI sample dump, which is not read. Convert it: ffmpeg -i OLD "
            "NEW.wav"
        )
    if has_damaged_packets(file):
        raise AudioError(f"{file.name}: the packet table of the CAF is damaged. {CUT}")
    # On Windows the libsndfile DLL cannot use Python's descriptors; the file object is slower.
    try:
        return _Sound(file) if os.name == "nt" else _Sound(file.fileno(), closefd=False)
    except (soundfile.SoundFileError, OSError, ValueError, TypeError) as error:
        reason = getattr(error, "error_string", error)
        raise AudioError(
            f"{file.name} is not audio that libsndfile can read, or is damaged: "
            f"{str(reason).rstrip('.')}. If a player plays it, convert it: ffmpeg -i OLD NEW.wav"
        ) from None


def _check_header(file: BinaryIO, sound: _Sound):
    check_rate(sound.samplerate, f"{file.name}: sample_rate")
    if not sound.frames:
        raise AudioError(
            f"{file.name} has a header and no samples. If a recorder did not finish it: ffmpeg -i "
            "OLD NEW.wav"
        )
    declared, held = _sizes(sound)
    if declared - held > _SIZE_SLACK and not _is_placeholder(declared):
        raise AudioError(
            f"{file.name}: the header promises {declared:,} bytes, the file holds {held:,}. {CUT}"
        )
    _check_count_promised(file, sound)
    if re.search(
        r"^(\*\*\* File seems to be truncated|Seems to be a truncated file)",
        sound.extra_info,
        re.MULTILINE,
    ):
        raise AudioError(f"{file.name}: the header promises more than the file holds. {CUT}")
    if sound.format == "OGG" and not _has_last_page(file):
        raise AudioError(f"{file.name}: the last Ogg page is missing or not whole. {CUT}")


def _check_count_promised(file: BinaryIO, sound: _Sound):
    """Raises if the file is too small for its samples.

    libsndfile's GSM decoder reads on after the end of the file.
    """
    size = os.fstat(file.fileno()).st_size
    dense = sound.format == "FLAC" or sound.subtype.startswith(_DENSE)
    if not dense and sound.frames * sound.channels > _MOST_SAMPLES * size:
        raise AudioError(
            f"{file.name}: the header promises {sound.frames:,} samples, more than {size:,} bytes "
            f"can hold. {CUT}"
        )


def _sizes(sound: _Sound) -> tuple[int, int]:
    """Bytes of sound, declared and held, by libsndfile's log; (0, 0) if it gives neither."""
    for name in _SIZE_LINES.get(sound.format, ()):
        line = re.search(
            rf"^ *{name} *: (\d+)(?: \(should be (\d+)\))?\r?$", sound.extra_info, re.MULTILINE
        )
        if line:
            return int(line[1]), int(line[2] or line[1])
    return 0, 0


def _is_placeholder(size: int) -> bool:
    """True for values that programs write before they know the size.

    ffmpeg writes 2³² − 1, sox 0x7FFFF000, arecord 2³¹.
    """
    return 0x7FFF0000 <= size <= 0x80000100 or 0xFFFF0000 <= size <= 0xFFFFFFFF or size >= 2**62


def _has_last_page(file: BinaryIO) -> bool:
    """True if an Ogg file ends in a whole page with the end-of-stream bit (RFC 3533, section 6)."""
    tail = _read_at(file, max(0, os.fstat(file.fileno()).st_size - 2 * 65307), 2 * 65307)
    page = tail[tail.rfind(b"OggS") :]
    if len(page) <= 27 or not page[5] & 4:
        return False
    return len(page) >= 27 + page[26] + sum(page[27 : 27 + page[26]])


def _has_sample_count(file: BinaryIO) -> bool:
    """True if the first frame of an MP3 has the number of frames; otherwise libsndfile guesses."""
    first = read_head(file, 4096)
    return any(tag in first for tag in (b"Xing", b"Info", b"VBRI"))


def read_head(file: BinaryIO, size: int) -> bytes:
    """The first `size` bytes of a file, after its ID3v2 tag, if it has one."""
    head = _read_at(file, 0, 10)
    start = 0
    if head[:3] == b"ID3" and len(head) == 10:
        shifts = (21, 14, 7, 0)
        start = 10 + sum(byte << shift for byte, shift in zip(head[6:], shifts, strict=True))
    return _read_at(file, start, size)


def _read_at(file: BinaryIO, start: int, size: int) -> bytes:
    """Reads bytes, and restores the position in the file, which libsndfile shares."""
    place = file.tell()
    file.seek(start)
    data = file.read(size)
    file.seek(place)
    return data


def _decode(
    file: BinaryIO, sound: _Sound, block_samples: float, first: int = 0
) -> Iterator[np.ndarray]:
    """Blocks (num_samples, num_channels) float32, then the checks that need the whole file."""
    size = int(max(1, min(block_samples, PIECE // sound.channels)))
    count = sound.seek(first) if first else 0
    while True:
        # No more than the header's count: libsndfile would decode the rest and drop it, and
        # _check_count would find no rest.
        length = max(1, min(size, sound.frames - count))
        try:
            block = sound.read(length, dtype="float32", always_2d=True)
        except (soundfile.SoundFileError, OSError, ValueError) as error:
            reason = getattr(error, "error_string", error) or "decoder error"
            raise AudioError(
                f"{file.name}: decoding failed after {count:,} samples ({reason}). {CUT}"
            ) from None
        if not len(block):
            break
        check_samples(block, file.name, count)
        yield block
        count += len(block)
    _check_count(file, sound, count)


def _check_count(file: BinaryIO, sound: _Sound, count: int):
    """Raises if the header promised more samples, or if compressed audio is left undecoded."""
    is_mpeg = sound.subtype.startswith("MPEG")
    counted = sound.frames < 2**62 and (not is_mpeg or _has_sample_count(file))
    if counted and sound.frames - count > (_MPEG_SLACK if is_mpeg else 0):
        raise AudioError(
            f"{file.name}: the header promises {sound.frames:,} samples, the file holds {count:,}. "
            f"{CUT}"
        )
    size = os.fstat(file.fileno()).st_size
    left = size - file.tell()
    if (is_mpeg or sound.format in ("FLAC", "OGG")) and left > max(size // 10, 1 << 14):
        raise AudioError(
            f"{file.name}: its {count:,} samples end {left:,} of {size:,} bytes before the file "
            "does. Files joined end to end, and MP3 of variable bit rate without a Xing header, do "
            "this. Rewrite it: ffmpeg -i OLD NEW.wav"
        )
    if not count:
        raise AudioError(f"{file.name} has a header and no samples. Copy it again.")
