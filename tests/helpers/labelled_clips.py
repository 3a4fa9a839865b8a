"""Labelled clips, tables of them, and how those are refused."""

import csv

import numpy as np
import pytest
import soundfile

from vggish_tf.errors import VGGishError
from vggish_tf.jobs import finetune

LABELS = ["noise", "sine", "steps"]
RATE = 16_000


def waveform(label: str, seconds: float = 1.0, seed=0) -> np.ndarray:
    """Noise, a sine, or steps: of random level and pitch."""
    generator = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    pitch = generator.uniform(300, 3_000)
    sound = {
        "noise": generator.normal(0, 0.3, t.shape),
        "sine": np.sin(2 * np.pi * pitch * t),
        "steps": np.sign(np.sin(2 * np.pi * 4 * t + pitch)),
    }[label]
    return (generator.uniform(0.2, 0.6) * sound).astype(np.float32)


def write_folder(folder, takes: int = 6, seconds=(1.0, 2.0)):
    """A subfolder for each of LABELS with clips of different lengths."""
    for number, label in enumerate(LABELS):
        (folder / label).mkdir(parents=True)
        for take in range(takes):
            length = np.random.default_rng([number, take]).uniform(*seconds)
            sound = waveform(label, length, [number, take])
            soundfile.write(folder / label / f"{take}.wav", sound, RATE)
    return folder


def write_csv(path, rows, columns=("path", "label")):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])
    return path


def refusal(*args, **kwargs) -> str:
    with pytest.raises(VGGishError) as error:
        finetune.dataset(*args, **kwargs)
    return str(error.value)
