#!/usr/bin/env python
"""Damaged files of weights of every format: cut short, and with a flipped bit.

    python scripts/faults_weights.py --places 200

Each file must be refused in one line with nothing loaded, or give the right weights. Where a format
has no checksum, a bit that is flipped inside a number gives another number: these are counted, and
their identity must say that they are other weights. The networks are small, with random weights.
The table is that of docs/weights.md; the exit status is 1 after a fault.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "helpers")]

import other_programs  # noqa: E402
import small_network  # noqa: E402

from vggish_tf import VGGishError, checkpoints  # noqa: E402
from vggish_tf.weights import identity, loading, registry, writers  # noqa: E402
from vggish_tf.weights.paths import files_of  # noqa: E402

REFUSED, RIGHT, OTHER, FAULT = "refused", "right", "other weights", "faults"
OUTCOMES = (REFUSED, RIGHT, OTHER, FAULT)
CUT, FLIPPED = "cut short", "a flipped bit"
KINDS = (CUT, FLIPPED)
SLOWEST = 10  # seconds
FORMATS = {
    "TF1 V1": "V1",
    "TF1 V2": "V2",
    "SavedModel": "tf_hub",
    ".keras": "keras",
    ".weights.h5": "h5",
    "Keras 2 .h5": "vggish_keras.h5",
    "safetensors, with digest": "own.safetensors",
    "safetensors, without": "published.safetensors",
    "PyTorch, zip": "torchaudio.pt",
    "PyTorch, before 1.6": "torchvggish.pth",
    "frozen graph": "essentia.pb",
    "ONNX": "torch.onnx",
}
CHECKSUMS = ("TF1 V1", "TF1 V2", "SavedModel", ".keras", "safetensors, with digest", "PyTorch, zip")

Row = tuple[str, str, str]  # format, kind of damage, outcome


def main(arguments: list[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, small_network.shrunken():
        os.environ["VGGISH_TF_CACHE"] = f"{folder}/cache"
        rows = list(damage(Path(folder), args.places, args.formats))
    print(table(rows))
    return any(outcome == FAULT for *_, outcome in rows)


def damage(folder: Path, places: int, formats: list[str]) -> Iterator[Row]:
    """Damages a file of each format at many places, and loads it each time."""
    model = small_network.randomize(small_network.vggish())
    for format in formats:
        whole = written(FORMATS[format], folder, model)
        for kind in KINDS:
            for place in tqdm(range(places), desc=f"{format}, {kind}", disable=None):
                damaged = damaged_copy(whole, folder / "damaged", kind, place, places)
                yield format, kind, outcome_of(damaged, model, format)


def written(name: str, folder: Path, model) -> Path:
    """A file of the weights of a model; of one with two files, their prefix."""
    if name in small_network.KINDS:
        return small_network.write(name, folder, model)
    if name == "own.safetensors":
        values = small_network.by_name(model)
        digest = {"values_sha256": identity.of_values("", values).values_sha256}
        return writers.write_safetensors(folder / name, values, digest)
    writer = other_programs.WRITERS[name]
    return registry.resolve(writer(folder / name, small_network.by_name(model)))


def damaged_copy(whole: Path, folder: Path, kind: str, place: int, places: int) -> Path:
    """A copy that is damaged at one of so many places, spread evenly over all its files."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    files = {file.name: bytearray(file.read_bytes()) for file in files_of(whole)}
    position = place * sum(map(len, files.values())) // places
    for content in files.values():
        if position < len(content):
            if kind == CUT:
                del content[position:]
            else:
                content[position] ^= 1 << place % 8
            break
        position -= len(content)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder / whole.name


def outcome_of(path: Path, expected, format: str) -> str:
    """One of OUTCOMES."""
    model = small_network.randomize(small_network.vggish(), seed=1)
    before, right = small_network.arrays(model), small_network.arrays(expected)
    began = time.monotonic()
    try:
        found = checkpoints.load_weights(model, path)
    except VGGishError as error:
        kept = same(small_network.arrays(model), before) and "\n" not in str(error)
        return REFUSED if kept and time.monotonic() - began < SLOWEST else FAULT
    except Exception as error:
        print(f"{format}: {error!r}", file=sys.stderr)
        return FAULT
    if same(small_network.arrays(model), right):
        return RIGHT
    told = found.values_sha256 != loading.identify(expected).values_sha256
    return OTHER if format not in CHECKSUMS and told else FAULT


def same(found: list[np.ndarray], expected: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def table(rows: list[Row]) -> str:
    """The outcomes of each format, in Markdown."""
    counts = Counter(rows)
    lines = [f"| format | damage | {' | '.join(OUTCOMES)} |", "|---|---|" + "---|" * len(OUTCOMES)]
    for format, kind in dict.fromkeys((format, kind) for format, kind, _ in rows):
        numbers = (str(counts[format, kind, outcome]) for outcome in OUTCOMES)
        lines.append(f"| {format} | {kind} | {' | '.join(numbers)} |")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--places", type=int, default=200, help="in each file, for each damage")
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=list(FORMATS))
    return parser


if __name__ == "__main__":
    sys.exit(main())
