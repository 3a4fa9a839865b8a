"""Makes a small data set for fine-tuning: nine General MIDI instruments, and speech.

    apt-get install fluidsynth fluid-soundfont-gm espeak-ng
    python scripts/make_instruments.py instruments
    vggish-tf finetune instruments/instruments.csv -o instruments.keras

480 clips of one second in ten classes. Every instrument plays the same 24 notes, C3 to B4, each
once softly and once loudly; speech is 24 voices with two sentences each. Twelve notes and voices
are for training, four for validation and eight for the test, so that no note and no voice is in two
splits. Onset and level are random. The same seed, sound font and versions give the same samples.
"""

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import synthesizers

from vggish_tf import audio
from vggish_tf.params import SAMPLE_RATE

PROGRAMS = {  # General MIDI, from 0
    "piano": 0,
    "harpsichord": 6,
    "marimba": 12,
    "organ": 19,
    "guitar": 25,
    "violin": 40,
    "trumpet": 56,
    "saxophone": 65,
    "flute": 73,
}
NOTES = range(48, 72)
VELOCITIES = (55, 110)
VOICES = [f"m{number}" for number in range(1, 9)] + [f"f{number}" for number in range(1, 6)]
VOICES += [
    "croak",
    "whisper",
    "Alex",
    "Andy",
    "Annie",
    "Denis",
    "Diogo",
    "Gene",
    "Jacky",
    "Lee",
    "linda",
]
SENTENCES = (
    "the quick brown fox jumps over the lazy dog",
    "one two three four five six seven eight nine ten",
)
SPLITS = ("train",) * 12 + ("validation",) * 4 + ("test",) * 8

SECONDS = 1.0
SLOT_SECONDS = 2.0  # from one note to the next; what a note leaves behind is cut off
NOTE_SECONDS = 0.9
TICKS = 480  # in a second: 240 a quarter note at 120 a minute
LATEST_ONSET = 0.1  # seconds
QUIETEST = 12.0  # dB under the level that it was rendered at


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="output folder for clips and instruments.csv")
    parser.add_argument("--sound-font", type=Path, default=synthesizers.SOUND_FONT)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    generator = np.random.default_rng(args.seed)
    args.folder.mkdir(parents=True, exist_ok=True)
    rows = [
        (write_clip(args.folder, label, take, waveform, generator), label, split)
        for label, take, waveform, split in (
            *instruments(args.sound_font, generator),
            *speech(generator),
        )
    ]
    with open(args.folder / "instruments.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "split"])
        writer.writerows(rows)
    print(f"wrote {len(rows)} clips and {args.folder / 'instruments.csv'}")


def instruments(sound_font: Path, generator):
    """Yields (label, take, waveform, split) of every note; the waveform starts with the note."""
    splits = dict(zip(generator.permutation(NOTES), SPLITS, strict=True))
    takes = [
        (label, note, velocity) for label in PROGRAMS for note in NOTES for velocity in VELOCITIES
    ]
    rendered = render(
        [(PROGRAMS[label], note, velocity) for label, note, velocity in takes], sound_font
    )
    for number, (label, note, velocity) in enumerate(takes):
        start = round(number * SLOT_SECONDS * SAMPLE_RATE)
        yield (
            label,
            f"note{note}_velocity{velocity}",
            rendered[start : start + SAMPLE_RATE],
            splits[note],
        )


def speech(generator):
    """Yields the same for every voice and sentence; the waveform starts anywhere in it."""
    splits = dict(zip(generator.permutation(VOICES), SPLITS, strict=True))
    for voice in VOICES:
        for number, sentence in enumerate(SENTENCES):
            spoken = audio.to_mono(*synthesizers.speak(sentence, f"en-us+{voice}"), SAMPLE_RATE)
            start = generator.integers(len(spoken) - SAMPLE_RATE)
            yield "speech", f"{voice}_{number}", spoken[start : start + SAMPLE_RATE], splits[voice]


def write_clip(folder: Path, label: str, take: str, waveform: np.ndarray, generator) -> str:
    """Writes one second with a random onset and level; returns its path within the folder."""
    onset = generator.integers(round(LATEST_ONSET * SAMPLE_RATE))
    gain = 10 ** (-generator.uniform(0, QUIETEST) / 20)
    clip = np.concatenate([np.zeros(onset, np.float32), waveform])[: round(SECONDS * SAMPLE_RATE)]
    path = Path(label) / f"{take}.flac"
    (folder / label).mkdir(exist_ok=True)
    soundfile.write(folder / path, gain * clip, SAMPLE_RATE, subtype="PCM_16")
    return str(path)


def render(notes: list[tuple[int, int, int]], sound_font: Path) -> np.ndarray:
    """Plays (program, note, velocity), one every SLOT_SECONDS."""
    score = synthesizers.midi_file([*events(notes)], TICKS)
    return audio.to_mono(*synthesizers.play(score, sound_font, SAMPLE_RATE, gain=2), SAMPLE_RATE)


def events(notes: list[tuple[int, int, int]]) -> Iterator[synthesizers.Event]:
    """Yields the MIDI events of the notes; each slot ends with silence and a reset."""
    for number, (program, note, velocity) in enumerate(notes):
        start, end = (round(place * SLOT_SECONDS * TICKS) for place in (number, number + 1))
        yield start, bytes([0xC0, program])
        yield start, bytes([0x90, note, velocity])
        yield start + round(NOTE_SECONDS * TICKS), bytes([0x80, note, 0])
        yield end - 1, bytes([0xB0, 120, 0])
        yield end, bytes([0xB0, 121, 0])


if __name__ == "__main__":
    main()
