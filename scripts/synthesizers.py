"""Programs that make sound, espeak-ng and fluidsynth, and the MIDI files that fluidsynth plays.

On Debian: apt-get install espeak-ng fluidsynth fluid-soundfont-gm
"""

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from vggish_tf.errors import VGGishError

SOUND_FONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
NOT_FOUND = {
    "espeak-ng": "espeak-ng was not found. Install it: apt-get install espeak-ng",
    "fluidsynth": "fluidsynth was not found. Install it: apt-get install fluidsynth",
    "sound font": (
        "was not found. Install it: apt-get install fluid-soundfont-gm, "
        "or name another with --sound-font."
    ),
}

Event = tuple[int, bytes]  # ticks from the start, and a MIDI message
Sound = tuple[np.ndarray, int]  # (num_samples, num_channels) float64, and the rate in Hz


def speak(text: str, voice: str, *options: str) -> Sound:
    """A text as espeak-ng reads it.

    Raises:
        VGGishError: as `play`.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "speech.wav")
        _run(["espeak-ng", "-v", voice, *options, "-w", str(path), text])
        return soundfile.read(path, always_2d=True)


def play(score: bytes, sound_font: Path, sample_rate: int, gain: float) -> Sound:
    """A MIDI file as fluidsynth plays it, without its reverb and chorus.

    Raises:
        VGGishError: the program or the sound font is not installed (the message names the apt
            package), or the program failed.
    """
    if not sound_font.is_file():
        raise VGGishError(f"the sound font {sound_font} {NOT_FOUND['sound font']}")
    with tempfile.TemporaryDirectory() as folder:
        midi, path = Path(folder, "score.mid"), Path(folder, "played.wav")
        midi.write_bytes(score)
        options = f"-niq -R 0 -C 0 -g {gain} -r {sample_rate} -T wav -F".split()
        _run(["fluidsynth", *options, str(path), str(sound_font), str(midi)])
        return soundfile.read(path, always_2d=True)


def _run(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise VGGishError(NOT_FOUND[command[0]]) from None
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or ["without a word"]
        raise VGGishError(f"{command[0]} failed: {lines[-1]}") from error


def midi_file(events: list[Event], ticks_per_second: int) -> bytes:
    """A standard MIDI file, format 0, of events in their order, at MIDI's default tempo."""
    track, now = b"", 0
    for tick, event in events:
        track, now = track + midi_number(tick - now) + event, tick
    track += b"\x00\xff\x2f\x00"
    # a quarter note is half a second
    header = b"MThd" + bytes([0, 0, 0, 6, 0, 0, 0, 1]) + (ticks_per_second // 2).to_bytes(2, "big")
    return header + b"MTrk" + len(track).to_bytes(4, "big") + track


def midi_number(value: int) -> bytes:
    """A MIDI variable-length number.

    Seven bits a byte, most significant first, with the high bit set in all but the last.

    Example:
        >>> midi_number(960).hex()
        '8740'
    """
    head = [0x80 | (value >> shift & 0x7F) for shift in (21, 14, 7) if value >> shift]
    return bytes([*head, value & 0x7F])
