"""Sounds of segments: FLAC to embed in the page, and the log-mel spectrograms of the front end.

Both are made in Python, from the sound as the archive's profile prepares it: a page that is opened
from a disk may play the files beside it, but not read them. They are meant for small sets.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vggish_tf import audio
from vggish_tf.audio.players import MAX_FLAC_RATE, encode_flac
from vggish_tf.errors import AudioError, UsageError, VGGishError, counted, reason_of
from vggish_tf.jobs.map.segments import Segments
from vggish_tf.params import Params
from vggish_tf.profiles import DEFAULT, Profile, named
from vggish_tf.progress import SoundBar

MOST_SECONDS = 20 * 60  # of embedded sound: at 16 kHz, 38 MB before FLAC
MOST_LOG_MELS = 5000  # of 6 KB each
GAP = 0.05  # seconds between segments that are still one piece of sound
WIDTH = 96  # columns of a log-mel
BATCH = 64


class Piece(NamedTuple):
    """A stretch of a file, and the segments in it."""

    file: int
    start: float
    end: float
    segments: list[int]


class Sounds(NamedTuple):
    """The sound of segments, as far as it was requested and could be read."""

    clips: list[bytes]  # FLAC
    clip: np.ndarray  # (n,) int64, the clip of each segment; −1 for none
    clip_start: np.ndarray  # (clips,) float64, the start in the file, in seconds
    log_mel: np.ndarray | None  # (n, frames, mel bins) uint8: 0 for none, 1 to 255 for low to high
    low: float  # the log-mel of byte 1
    high: float  # the log-mel of byte 255
    failures: list[str]


def profile_of(provenance: dict) -> Profile:
    """The profile of an archive; the default one if the archive does not have it.

    Example:
        >>> profile_of({}).params.sample_rate
        16000
    """
    try:
        return Profile.of(provenance)
    except (KeyError, TypeError):
        return named(DEFAULT)


def check(
    segments: Segments, places: list[Path | None], profile: Profile, embed: bool, log_mel: bool
):
    """Raises if no sound would be found, or the page would be too large; call it before long work.

    Raises:
        UsageError: there is too much sound; the message gives the amount and the limit.
        VGGishError: no file was found.
    """
    if log_mel and not any(places):
        raise VGGishError(
            f"none of {counted(len(places), 'file')} was found, such as {segments.files[0]!r}. "
            "Give their folder: --audio FOLDER."
        )
    rate, count = profile.params.sample_rate, len(segments.start)
    seconds = sum(piece.end - piece.start for piece in pieces_of(segments, profile.params))
    if embed and seconds > MOST_SECONDS:
        raise UsageError(
            f"--embed-audio is for at most {MOST_SECONDS // 60} minutes of sound; these segments "
            f"have {seconds / 60:,.1f} ({seconds * rate * 2 / 1e6:,.0f} MB in 16 bits). Leave it "
            "out: the page plays the files where they are."
        )
    if embed and (rate != int(rate) or rate > MAX_FLAC_RATE):
        raise UsageError(
            f"--embed-audio needs a whole sample rate of at most {MAX_FLAC_RATE:,} Hz; that of the "
            f"archive is {rate:g} Hz. Leave it out."
        )
    if log_mel and count > MOST_LOG_MELS:
        raise UsageError(
            f"log-mels are for at most {MOST_LOG_MELS:,} segments; the archive has {count:,} "
            f"({count * WIDTH * profile.params.num_mel_bins / 1e6:,.0f} MB). Leave it out, "
            "and --embed-audio too."
        )


def read(
    segments: Segments, places: list[Path | None], profile: Profile, embed: bool, log_mel: bool
) -> Sounds:
    """Reads the sound of segments.

    Args:
        segments: the segments.
        places: the places of `segments.files`; None for a missing file.
        profile: the profile that prepares the sound.
        embed: whether to make `clips`.
        log_mel: whether to make `log_mel`, which needs Keras.

    Raises:
        VGGishError: no file could be read.
    """
    clip, starts, clips = np.full(len(segments.start), -1), list[float](), list[bytes]()
    failures, pictures = list[str](), _LogMels(segments, profile) if log_mel else None
    pieces, count = pieces_of(segments, profile.params), 0
    for piece in _counted(pieces):
        place = places[piece.file]
        try:
            samples = None if place is None else _samples(place, piece, profile)
        except (AudioError, OSError) as error:
            prefix = "" if isinstance(error, AudioError) else f"{place}: "
            failures.append(f"{prefix}{reason_of(error)}")
            continue
        if samples is None:
            continue
        count += 1
        if embed:
            clip[piece.segments] = len(clips)
            clips.append(encode_flac(samples, int(profile.params.sample_rate)))
            starts.append(piece.start)
        if pictures:
            pictures.add(samples, piece)
    if not count:
        why = failures[0] if failures else "no segment of the existing files has a time."
        raise VGGishError(f"no sound could be read: {why}")
    log_mels, low, high = pictures.scaled() if pictures else (None, 0.0, 1.0)
    return Sounds(clips, clip, np.array(starts), log_mels, low, high, failures)


def _counted(pieces: list[Piece]) -> Iterator[Piece]:
    with SoundBar(sum(piece.end - piece.start for piece in pieces), "sounds") as bar:
        for piece in pieces:
            yield piece
            bar.update(piece.end - piece.start)


def pieces_of(segments: Segments, params: Params) -> list[Piece]:
    """The stretches of files that the segments cover, each once.

    A segment without an end has the length of an example; one without a start is left out.
    """
    known, seconds = np.isfinite(segments.end), params.example_window_seconds
    ends = np.where(known, segments.end, segments.start + seconds).tolist()
    starts, files, pieces = segments.start.tolist(), segments.file.tolist(), list[Piece]()
    order = np.lexsort((segments.start, segments.file))
    for at in order[np.isfinite(segments.start[order]) & (segments.start[order] >= 0)].tolist():
        last = pieces[-1] if pieces else None
        if last and last.file == files[at] and starts[at] <= last.end + GAP:
            last.segments.append(at)
            pieces[-1] = last._replace(end=max(last.end, ends[at]))
        else:
            pieces.append(Piece(files[at], starts[at], ends[at], [at]))
    return pieces


def _tail(params: Params) -> int:
    """Samples that the last frame of a segment needs beyond its end."""
    return max(params.window_length - params.hop_length, 0)


def _samples(place: Path, piece: Piece, profile: Profile) -> np.ndarray:
    rate = profile.params.sample_rate
    end = piece.end + _tail(profile.params) / rate
    blocks = audio.read_stretch(place, rate, piece.start, end, prepare=profile.prepare)
    return np.concatenate([*blocks])


class _LogMels:
    """The log-mel of each segment, computed in batches of the same length."""

    def __init__(self, segments: Segments, profile: Profile):
        from vggish_tf.frontend.layers import LogMel, StftMagnitude

        self.params, self.segments = profile.params, segments
        self._stft, self._mel = (
            StftMagnitude(self.params),
            LogMel(self.params, triangles=profile.triangles),
        )
        shape = len(segments.start), WIDTH, self.params.num_mel_bins
        self.values = np.full(shape, np.nan, np.float32)

    def add(self, samples: np.ndarray, piece: Piece):
        """Computes the log-mels of the segments in a piece."""
        for first in range(0, len(piece.segments), BATCH):
            for length, numbers in self._by_length(piece.segments[first : first + BATCH]):
                windows = [self._window(samples, piece, number, length) for number in numbers]
                log_mel = np.asarray(self._mel(self._stft(np.stack(windows))))
                self.values[numbers] = fitted(log_mel, WIDTH)

    def scaled(self) -> tuple[np.ndarray, float, float]:
        """All log-mels as bytes, and the values of the bytes 1 and 255."""
        finite = self.values[np.isfinite(self.values)]
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
        share = (self.values - low) / max(high - low, 1e-6)
        return np.where(np.isnan(share), 0, 1 + np.rint(254 * share)).astype(np.uint8), low, high

    def _by_length(self, numbers: list[int]) -> Iterator[tuple[int, list[int]]]:
        lengths: dict[int, list[int]] = {}
        for number in numbers:
            seconds = self.segments.end[number] - self.segments.start[number]
            seconds = seconds if np.isfinite(seconds) else self.params.example_window_seconds
            length = round(seconds * self.params.sample_rate) + _tail(self.params)
            lengths.setdefault(max(length, self.params.window_length), []).append(number)
        yield from lengths.items()

    def _window(self, samples: np.ndarray, piece: Piece, number: int, length: int) -> np.ndarray:
        first = round((self.segments.start[number] - piece.start) * self.params.sample_rate)
        window = samples[first : first + length]
        return np.pad(window, (0, length - len(window)))


def fitted(log_mel: np.ndarray, width: int) -> np.ndarray:
    """(n, frames, bins) → (n, width, bins): means of neighbouring frames, or frames repeated.

    Example:
        >>> fitted(np.arange(4.0).reshape(1, 4, 1), 2).ravel()
        array([0.5, 2.5])
    """
    edges = np.linspace(0, log_mel.shape[1], width + 1)
    first = np.floor(edges[:-1]).astype(int)
    last = np.maximum(np.ceil(edges[1:] - 1e-9).astype(int), first + 1)
    sums = np.cumsum(log_mel, axis=1, dtype=np.float64)
    sums = np.concatenate([np.zeros_like(sums[:, :1]), sums], axis=1)
    return (sums[:, last] - sums[:, first]) / (last - first)[:, np.newaxis]
