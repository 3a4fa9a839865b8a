"""Containers that libsndfile cannot read → blocks of float32 samples, by the ffmpeg program.

The containers are MP4 (m4a, mov, 3gp), Matroska (webm), AAC (ADTS) and WavPack. They are recognized
by their first bytes, never by their name. Only the demuxer of that container is allowed, and only
local files, so a disguised playlist opens no other file. The samples are read through a pipe, so
memory is constant; the process ends when the caller stops reading. The first audio track is read.

Damage is an error, as in sound_file.py: any message from ffmpeg, or less audio than the header
promises. Cuts that cannot be detected: raw AAC between two frames, and WebM of unknown length (from
a browser) between two blocks. WMA is not supported: ffmpeg reads half of a file without an error.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import BinaryIO

import numpy as np

from vggish_tf.audio.sound_file import CUT, PIECE, AudioInfo, Sound, read_head
from vggish_tf.audio.waveform import check_rate, check_samples
from vggish_tf.errors import AudioError

SUFFIXES = (".m4a", ".m4b", ".mp4", ".mov", ".3gp", ".webm", ".mka", ".mkv", ".aac", ".wv")
INSTALL = "apt-get install ffmpeg, or brew install ffmpeg"
_CONTAINERS = {  # the first bytes, and the name of ffmpeg's demuxer
    "MP4": (rb".{4}ftyp", "mov"),
    "MATROSKA": (rb"\x1a\x45\xdf\xa3", "matroska"),
    "ADTS": (rb"\xff[\xf0\xf1\xf8\xf9]", "aac"),  # an MP3 has bits set that are 0 here
    "WAVPACK": (rb"wvpk", "wv"),
}
_ESTIMATED = ("ADTS",)  # ffmpeg estimates the length of these from the bit rate
_SLACK = 0.25  # seconds; some encoders count their delay and padding, others do not
_QUIET = ["-v", "error", "-protocol_whitelist", "file"]
_FIELDS = (
    "stream=codec_name,sample_rate,channels,duration:stream_tags=DURATION:"
    "format=duration,nb_streams"
)


def is_installed() -> bool:
    """True if ffmpeg and its ffprobe are on PATH."""
    return bool(shutil.which("ffmpeg") and shutil.which("ffprobe"))


def container_of(file: BinaryIO) -> str | None:
    """The container of a file, by its first bytes; None if this module does not read it."""
    head = read_head(file, 16)
    found = (name for name, (start, _) in _CONTAINERS.items() if re.match(start, head, re.DOTALL))
    return next(found, None)


@contextmanager
def opened(file: BinaryIO) -> Iterator[Sound]:
    """Opens a file for ffmpeg and reads its header.

    Raises:
        AudioError: ffmpeg is not installed, or the header is damaged or has no audio track.
    """
    container = container_of(file)
    assert container is not None
    if not is_installed():
        raise AudioError(
            f"{file.name} is {container}, which needs ffmpeg, and that is not installed: {INSTALL}"
        )
    info, seconds = _probe(file, container)
    check_rate(info.sample_rate, f"{file.name}: sample_rate")
    yield Sound(info, partial(_decode, file, info, seconds))


def _input(file: BinaryIO, container: str) -> list[str]:
    """The arguments that name an input file, safe for any file name."""
    return [*_QUIET, "-f", _CONTAINERS[container][1], "-i", f"file:{os.fspath(file.name)}"]


def _probe(file: BinaryIO, container: str) -> tuple[AudioInfo, float | None]:
    """The header, and the length in seconds; None if the header gives no exact one."""
    fields = ["-select_streams", "a:0", "-show_entries", _FIELDS, "-of", "json"]
    command = ["ffprobe", *_input(file, container), *fields]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    try:
        about = json.loads(result.stdout)
        found = [_read_stream(stream, about["format"], container) for stream in about["streams"]]
    except (KeyError, ValueError, OverflowError):
        reason = _reason(result.stderr)
        raise AudioError(
            f"{file.name}: the {container} header is damaged ({reason}). {CUT}"
        ) from None
    if not found:
        raise AudioError(
            f"{file.name} is {container} and holds no sound. Give a file with a sound track."
        )
    return found[0]


def _read_stream(stream: dict, about_file: dict, container: str) -> tuple[AudioInfo, float | None]:
    rate, seconds = int(stream["sample_rate"]), _seconds(stream, about_file)
    if not int(stream["channels"]):
        raise ValueError("no channels")
    samples = None if seconds is None else round(seconds * rate)
    info = AudioInfo(
        rate, int(stream["channels"]), samples, container, stream["codec_name"].upper()
    )
    return info, None if container in _ESTIMATED else seconds


def _seconds(stream: dict, about_file: dict) -> float | None:
    """The length of the audio track in seconds; None where Matroska gives another track's."""
    if "duration" in stream:
        return float(stream["duration"])
    if tag := stream.get("tags", {}).get("DURATION"):
        hours, minutes, seconds = map(float, tag.split(":"))
        return hours * 3600 + minutes * 60 + seconds
    if "duration" in about_file and about_file["nb_streams"] == 1:
        return float(about_file["duration"])
    return None


def _decode(
    file: BinaryIO, info: AudioInfo, seconds: float | None, block_samples: float
) -> Iterator[np.ndarray]:
    """Blocks (num_samples, num_channels) float32, then the checks that need the whole file."""
    frame = 4 * info.num_channels
    size = frame * int(max(1, min(block_samples, PIECE // info.num_channels)))
    count = 0
    with _running(file, info) as (process, complaints):
        assert process.stdout is not None
        while data := process.stdout.read(size):
            whole = len(data) // frame * info.num_channels
            block = np.frombuffer(data, "<f4", whole).reshape(-1, info.num_channels)
            check_samples(block, file.name, count)
            count += len(block)
            yield block
        failed = process.wait()
        complaints.seek(0)
        _check_end(file, info, count, seconds, failed, complaints.read(4096))


@contextmanager
def _running(file: BinaryIO, info: AudioInfo) -> Iterator[tuple[subprocess.Popen, BinaryIO]]:
    """An ffmpeg process that decodes into a pipe, and its error output; killed at the end."""
    decode = ["ffmpeg", "-nostdin", "-xerror", "-err_detect", "explode", "-threads", "1"]
    only_sound = ["-vn", "-sn", "-dn", *_input(file, info.format), "-map", "0:a:0"]
    output = ["-ar", info.sample_rate, "-ac", info.num_channels, "-f", "f32le", "pipe:1"]
    command = [*decode, *only_sound, *map(str, output)]
    none, pipe = subprocess.DEVNULL, subprocess.PIPE
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(command, stdin=none, stdout=pipe, stderr=complaints) as process,
    ):
        try:
            yield process, complaints
        finally:
            process.kill()


def _check_end(
    file, info: AudioInfo, count: int, seconds: float | None, failed: int, complaints: bytes
):
    """Raises if ffmpeg reported an error, or decoded less than the header promises."""
    if failed or complaints:
        reason = _reason(complaints) if complaints else f"status {failed}"
        raise AudioError(
            f"{file.name}: ffmpeg stopped after {count:,} samples ({reason}). The file is damaged. "
            f"{CUT}"
        )
    held = count / info.sample_rate
    if seconds is not None and seconds - held > _SLACK:
        raise AudioError(
            f"{file.name}: the header promises {seconds:.2f} s, the file holds {held:.2f} s. {CUT}"
        )
    if not count:
        raise AudioError(f"{file.name} has a header and no samples. Copy it again.")


def _reason(complaints: bytes) -> str:
    """The first line of ffmpeg's error output, without memory addresses."""
    text = re.sub(r"\[[^]]*@ 0x[0-9a-f]+\] *", "", complaints.decode(errors="replace"))
    lines = text.strip().splitlines()
    return lines[0].rstrip(".") if lines else "ffmpeg says no more"
