"""Sound files of every format, and mutations of their bytes. Nothing is decoded here."""

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile

RATE = 16_000
RARE = "others of libsndfile"
USUAL = ("WAV", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "Ogg Vorbis", "Opus", "MP3")
NAMES = {"WAVEX": "WAV", "VORBIS": "Ogg Vorbis", "OPUS": "Opus"}  # of a container or a codec
FFMPEG = {  # of each container, suffixes and codecs
    "MP4, M4A, MOV, 3GP": (
        ("m4a", "aac"),
        ("m4a", "alac"),
        ("mp4", "aac -movflags +frag_keyframe+empty_moov"),
        ("mov", "pcm_s16le"),
        ("3gp", "aac"),
    ),
    "AAC": (("aac", "aac"),),
    "WebM": (("webm", "libopus"), ("webm", "libvorbis")),
    "Matroska": (("mka", "flac"), ("mkv", "pcm_s16le"), ("mka", "libmp3lame")),
    "WavPack": (("wv", "wavpack"),),
}
FORMATS = (*USUAL, RARE, *FFMPEG)
HEADER = 256  # bytes; half of the mutations are there
EDGES = [0, 1, 2, *(2**bits + step for bits in (7, 8, 15, 16, 31, 32, 63, 64) for step in (-1, 0))]

Sources = dict[str, list[bytes]]
Random = np.random.Generator


@functools.cache
def sources() -> Sources:
    """Format → whole files of a second, one of each codec that can be written here."""
    seconds = np.arange(RATE)[:, np.newaxis] / RATE
    sound = 0.4 * np.sin(2 * np.pi * seconds * [440, 660])
    sound += 0.02 * np.random.default_rng(0).standard_normal(sound.shape)
    found: Sources = {name: [] for name in FORMATS}
    with tempfile.TemporaryDirectory() as folder:
        for container in sorted(set(soundfile.available_formats()) - {"RAW"}):
            for codec in soundfile.available_subtypes(container):
                name = NAMES.get(codec, NAMES.get(container, container))
                files = _written(Path(folder, "file"), sound, container, codec)
                found[name if name in USUAL else RARE] += files
        for name, kinds in FFMPEG.items() if shutil.which("ffmpeg") else ():
            found[name] += [_encoded(Path(folder), sound, *kind) for kind in kinds]
    return {name: files for name, files in found.items() if files}


def _written(path: Path, sound: np.ndarray, container: str, codec: str) -> list[bytes]:
    """A file in stereo, or else mono; none if libsndfile cannot write it, or not read it again."""
    for samples in (sound, sound[:, 0]):
        try:
            soundfile.write(path, samples, RATE, format=container, subtype=codec)
            soundfile.info(path)
        except (soundfile.SoundFileError, ValueError):
            continue
        return [path.read_bytes()]
    return []


def _encoded(folder: Path, sound: np.ndarray, suffix: str, codec: str) -> bytes:
    source, target = folder / "source.wav", folder / f"target.{suffix}"
    soundfile.write(source, sound, RATE)
    command = ["ffmpeg", "-nostdin", "-y", "-v", "error", "-i", source, "-c:a", *codec.split()]
    subprocess.run([*command, target], check=True)
    return target.read_bytes()


def mutated(whole: Sources, seed: int, number: int) -> tuple[str, bytes]:
    """The format and the bytes of a file with one to three mutations: the same for a number."""
    random = np.random.default_rng([seed, number])
    name = list(whole)[number % len(whole)]
    data = _one_of(whole[name], random)
    for _ in range(random.integers(1, 4)):
        other = _one_of(whole[_one_of(list(whole), random)], random)
        data = _one_of(MUTATIONS, random)(data, other, random)
    return name, data


def _one_of(things, random: Random):
    return things[random.integers(len(things))]


def _place(data: bytes, random: Random) -> int:
    """A place in the file or, as often, in its header."""
    end = len(data) if random.random() < 0.5 else min(len(data), HEADER)
    return int(random.integers(max(1, end)))


def _length(random: Random) -> int:
    return int(2 ** random.uniform(0, 13))


def _put(data: bytes, place: int, new: bytes) -> bytes:
    return (data[:place] + new + data[place + len(new) :])[: len(data)]


def flip(data: bytes, other: bytes, random: Random) -> bytes:
    """One to 32 bits."""
    for place in [_place(data, random) for _ in range(random.integers(1, 33))]:
        data = _put(data, place, bytes(byte ^ 1 << random.integers(8) for byte in data[place:][:1]))
    return data


def overwrite(data: bytes, other: bytes, random: Random) -> bytes:
    return _put(data, _place(data, random), random.bytes(_length(random)))


def zero(data: bytes, other: bytes, random: Random) -> bytes:
    return _put(data, _place(data, random), bytes(random.integers(1, 65)))


def extreme(data: bytes, other: bytes, random: Random) -> bytes:
    """A number of 2, 4 or 8 bytes at the edge of its type, as in a field of a length."""
    width, order = _one_of((2, 4, 8), random), _one_of(("little", "big"), random)
    value = _one_of(EDGES, random) % 256**width
    return _put(data, _place(data, random), value.to_bytes(width, order))


def truncate(data: bytes, other: bytes, random: Random) -> bytes:
    return data[: _place(data, random)]


def drop(data: bytes, other: bytes, random: Random) -> bytes:
    place = _place(data, random)
    return data[:place] + data[place + _length(random) :]


def insert(data: bytes, other: bytes, random: Random) -> bytes:
    place = _place(data, random)
    return data[:place] + random.bytes(_length(random)) + data[place:]


def repeat(data: bytes, other: bytes, random: Random) -> bytes:
    place, length = _place(data, random), _length(random)
    return data[: place + length] + data[place:]


def join(data: bytes, other: bytes, random: Random) -> bytes:
    """Two files end to end, or the first part of one and the last part of the other."""
    if random.random() < 0.5:
        return data + other
    return data[: _place(data, random)] + other[_place(other, random) :]


MUTATIONS = (flip, overwrite, zero, extreme, truncate, drop, insert, repeat, join)
