"""Makes the clip of `vggish-tf demo`: seven different sounds in a row, and a table of them.

espeak-ng makes the speech, fluidsynth with the FluidR3 sound font three instruments, and the
formulas below a siren, birds and rain. Every sound lasts a whole number of examples (0.96 s), so
each embedding covers one sound only. Nothing is recorded or downloaded, and the noise is seeded:
the same programs give the same samples.

It needs what synthesizers.py needs.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
import synthesizers
from scipy.signal import butter, sosfilt

from vggish_tf.errors import VGGishError
from vggish_tf.files import check_target, replacing
from vggish_tf.params import EXAMPLE_WINDOW_SECONDS

SAMPLE_RATE = 22_050  # espeak-ng's own; not the network's 16,000, so that the demo resamples
TAIL_SECONDS = 0.05  # the last example's last STFT window reaches 0.015 s over 0.96 s
FADE_SECONDS = 0.01
PEAK, LOUDNESS = 0.7, 0.12  # at most, as the largest sample and as the root mean square
SEED = 20
LICENCE = (
    "Made by this project's scripts/make_demo_clip.py, Apache-2.0. Piano, flute and drums use "
    "samples of FluidR3 GM, "
    "(c) 2000-2002, 2008 Frank Wen, MIT licence. The voice is synthesized by espeak-ng."
)

TEXT = "One wave form in, and embeddings come out."
TICKS_PER_SECOND = 960  # 480 to a quarter note, at MIDI's default of 0.5 s
PIANO, FLUTE, DRUMS = 0, 73, None  # General MIDI programs; drums are a channel, not a program
KICK, SNARE, CLOSED_HAT, OPEN_HAT = 36, 38, 42, 46


class Note(NamedTuple):
    """One MIDI note: start and length in seconds, key (60 is middle C), velocity (1 to 127)."""

    start: float
    length: float
    key: int
    velocity: int = 100


class Sound(NamedTuple):
    """One segment of the clip."""

    label: str
    num_examples: int  # its length
    made: str  # how, in words
    make: Callable[[int], np.ndarray]  # of the number of samples


def speech(num_samples: int) -> np.ndarray:
    """A synthetic voice reading TEXT; its length depends on the text."""
    samples, _ = synthesizers.speak(TEXT, "en-us", "-s", "165")
    return samples.mean(axis=1)


def midi_file(notes: list[Note], program: int | None) -> bytes:
    """A MIDI file of notes on one channel; program None is the drum channel."""
    channel = 9 if program is None else 0
    events = [(0, bytes([0xC0 | channel, program or 0]))]
    for note in notes:
        start, end = (
            round(seconds * TICKS_PER_SECOND) for seconds in (note.start, note.start + note.length)
        )
        events.append((start, bytes([0x90 | channel, note.key, note.velocity])))
        events.append((end, bytes([0x80 | channel, note.key, 0])))
    return synthesizers.midi_file(sorted(events), TICKS_PER_SECOND)


def play(notes: list[Note], program: int | None, sound_font: Path) -> np.ndarray:
    """The notes as fluidsynth plays them."""
    samples, _ = synthesizers.play(midi_file(notes, program), sound_font, SAMPLE_RATE, gain=0.6)
    return samples.mean(axis=1)


def piano_notes() -> list[Note]:
    """Four chords, C F G C, 0.72 s each."""
    chords = [(48, 64, 67, 72), (53, 65, 69, 72), (55, 62, 67, 71), (48, 64, 67, 76)]
    return [Note(0.72 * i, 0.7, key) for i, chord in enumerate(chords) for key in chord]


def flute_notes() -> list[Note]:
    """Eight notes of G major, up and down, 0.36 s each."""
    return [Note(0.36 * i, 0.35, key) for i, key in enumerate((79, 83, 86, 91, 90, 86, 84, 79))]


def drum_notes() -> list[Note]:
    """Two bars of eighths, 0.18 s each: kick on 1 and 3, snare on 2 and 4, a hat on each."""
    hats = [Note(0.18 * i, 0.1, OPEN_HAT if i % 8 == 7 else CLOSED_HAT, 80) for i in range(16)]
    kicks = [Note(0.18 * i, 0.1, KICK, 120) for i in (0, 4, 5, 8, 12, 13)]
    return hats + kicks + [Note(0.18 * i, 0.1, SNARE, 115) for i in (2, 6, 10, 14, 15)]


def siren(num_samples: int) -> np.ndarray:
    """A tone with overtones that wails between 500 and 1500 Hz, twice."""
    cycles = 2 * np.arange(num_samples) / num_samples
    hertz = 500 * 3 ** (0.5 - 0.5 * np.cos(2 * np.pi * cycles))
    phase = 2 * np.pi * np.cumsum(hertz) / SAMPLE_RATE
    return np.sum([np.sin(k * phase) / k**1.5 for k in range(1, 5)], axis=0)


def birds(num_samples: int) -> np.ndarray:
    """Chirps of 60 to 120 ms, each a fast slide between 2.5 and 7 kHz, with pauses between."""
    generator, samples, start = np.random.default_rng(SEED), np.zeros(num_samples), 0
    while start + 0.13 * SAMPLE_RATE < num_samples:
        time = np.linspace(0, 1, int(generator.uniform(0.06, 0.12) * SAMPLE_RATE))
        hertz = generator.uniform(3000, 5500) * (
            1 + generator.uniform(-0.25, 0.25) * np.sin(np.pi * time)
        )
        phase = 2 * np.pi * np.cumsum(hertz) / SAMPLE_RATE
        samples[start : start + len(time)] += np.sin(np.pi * time) ** 2 * np.sin(phase)
        start += len(time) + int(generator.uniform(0.01, 0.09) * SAMPLE_RATE)
    return samples


def rain(num_samples: int) -> np.ndarray:
    """Noise over 400 Hz with some three hundred drops, each a short ringing above it."""
    generator = np.random.default_rng(SEED)
    hiss = sosfilt(
        butter(2, 400, "highpass", fs=SAMPLE_RATE, output="sos"),
        generator.standard_normal(num_samples),
    )
    time = np.arange(int(0.02 * SAMPLE_RATE)) / SAMPLE_RATE
    samples = 0.12 * hiss
    for start in generator.integers(0, num_samples - len(time), 300):
        ringing = np.exp(-time / 0.003) * np.sin(2 * np.pi * generator.uniform(1000, 6000) * time)
        samples[start : start + len(time)] += generator.exponential(0.25) * ringing
    return samples


def sounds(sound_font: Path) -> list[Sound]:
    """The segments in their order."""
    return [
        Sound("speech", 3, f"espeak-ng, voice en-us: {TEXT!r}", speech),
        Sound(
            "piano",
            3,
            "fluidsynth, FluidR3 program 0",
            lambda n: play(piano_notes(), PIANO, sound_font),
        ),
        Sound(
            "flute",
            3,
            "fluidsynth, FluidR3 program 73",
            lambda n: play(flute_notes(), FLUTE, sound_font),
        ),
        Sound(
            "drums",
            3,
            "fluidsynth, FluidR3 drum channel",
            lambda n: play(drum_notes(), DRUMS, sound_font),
        ),
        Sound("siren", 3, "a sweep of 500 to 1500 Hz with overtones", siren),
        Sound("birds", 2, "sliding tones of 2.5 to 7 kHz", birds),
        Sound("rain", 3, "seeded noise over 400 Hz with ringing drops", rain),
    ]


def fit(samples: np.ndarray, num_samples: int) -> np.ndarray:
    """Cuts or zero-pads to `num_samples`, fades both ends, and scales to PEAK or LOUDNESS."""
    samples = np.pad(samples[:num_samples], (0, max(0, num_samples - len(samples))))
    ramp = np.linspace(0, 1, int(FADE_SECONDS * SAMPLE_RATE))
    samples[: len(ramp)] *= ramp
    samples[-len(ramp) :] *= ramp[::-1]
    return samples * min(PEAK / np.abs(samples).max(), LOUDNESS / np.sqrt(np.mean(samples**2)))


def make_clip(sound_font: Path = synthesizers.SOUND_FONT) -> tuple[np.ndarray, list[dict]]:
    """Makes the clip, (num_samples,) int16 at SAMPLE_RATE, and the table of its segments.

    A row of the table has label, start, end (seconds) and made.
    """
    parts, segments, examples = [], [], 0
    for sound in sounds(sound_font):
        start, examples = examples, examples + sound.num_examples
        edges = [round(count * EXAMPLE_WINDOW_SECONDS * SAMPLE_RATE) for count in (start, examples)]
        parts.append(fit(sound.make(edges[1] - edges[0]), edges[1] - edges[0]))
        times = {
            "start": round(start * EXAMPLE_WINDOW_SECONDS, 2),
            "end": round(examples * EXAMPLE_WINDOW_SECONDS, 2),
        }
        segments.append({"label": sound.label, **times, "made": sound.made})
    samples = np.concatenate([*parts, np.zeros(int(TAIL_SECONDS * SAMPLE_RATE))])
    return np.round(samples * 32767).astype(np.int16), segments


def write(path: Path, samples: np.ndarray, segments: list[dict]) -> None:
    """Writes the clip to `path` (16-bit FLAC) and the table beside it, `.json`."""
    table = {
        "clip": path.name,
        "sample_rate": SAMPLE_RATE,
        "num_samples": len(samples),
        "licence": LICENCE,
    }
    with replacing(path) as temporary:
        soundfile.write(
            temporary, samples, SAMPLE_RATE, format="FLAC", subtype="PCM_16", compression_level=1.0
        )
    text = json.dumps(table | {"segments": segments}, indent=2) + "\n"
    with replacing(path.with_suffix(".json")) as temporary:
        temporary.write_text(text, encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Parses the command line and makes the clip; returns the exit status."""
    parser = argparse.ArgumentParser(
        description="Make the demo clip. Without -o nothing is written."
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="PATH", help="FLAC to write; the table goes beside it"
    )
    parser.add_argument(
        "--sound-font",
        type=Path,
        default=synthesizers.SOUND_FONT,
        metavar="SF2",
        help="General MIDI (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    try:
        if options.output:
            check_target(options.output)
        samples, segments = make_clip(options.sound_font)
        if options.output:
            write(options.output, samples, segments)
    except VGGishError as error:
        print(f"make_demo_clip: {error}", file=sys.stderr)
        return 1
    for segment in segments:
        print(
            f"{segment['start']:6.2f} {segment['end']:6.2f}  {segment['label']:7} {segment['made']}"
        )
    size = f"{options.output}: {options.output.stat().st_size:,} bytes" if options.output else ""
    print(size or "not written: no -o")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
