"""Profiles beside the programs that they are of, with the same seeded weights: how far apart.

    pip install '.[bench]'
    pip install --no-deps audiocraft==1.3.0 audioldm_eval==0.0.3 fadtk==1.1.0 \
        frechet-audio-distance==0.3.4 hearbaseline==2021.1.1 hypy-utils==1.0.29 julius==0.2.8 \
        kadtk==1.1.0 mteb==2.24.1 torch-vggish-yamnet==0.2.1 torchaudio==2.8.0
    git clone https://github.com/harritaylor/torchvggish       # f3f9096
    git clone https://github.com/cosmir/openmic-2018
    git clone https://github.com/v-iashin/video_features
    git clone https://github.com/google-research/google-research
    python scripts/bench_profiles.py --sources . --weights vggish_model.ckpt \
        --pca vggish_pca_params.npz

The programs run as they are, from the file to the rows. They are installed without what they
require: modules that no row needs are empty. torch.hub and its downloads give the weights in hand.
A program that is not there is said to be absent.
"""

import argparse
import contextlib
import io
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import soundfile
from beside.installed import EMPTY, EmptyModules, Inputs, seeded
from beside.programs import BYTE, PROGRAMS, Program


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--sources", type=Path, default=Path(), help="where the clones are")
    parser.add_argument("--weights", type=Path, required=True, help="a TF1 checkpoint")
    parser.add_argument("--pca", type=Path, required=True, help="vggish_pca_params.npz")
    args = parser.parse_args()
    inputs = Inputs(args.weights.resolve(), args.pca.resolve(), args.sources.resolve())
    sys.meta_path.append(EmptyModules(EMPTY))
    with tempfile.TemporaryDirectory() as folder, seeded(inputs):
        clips = write_clips(Path(folder))
        worst = [compare(program, clips, inputs) for program in PROGRAMS]
    if not all(worst):
        raise SystemExit("some rows are farther apart than they may be")


def compare(program: Program, clips: dict[str, Path], inputs: Inputs) -> bool:
    """Prints a line for each clip; whether all are near enough."""
    from vggish_tf import Embedder

    near = True
    embedder = Embedder(inputs.weights, profile=program.profile)
    for name in program.clips:
        try:
            theirs = quiet(program.rows, clips[name], inputs)
        except ImportError as error:
            print(f"{program.profile:15} {program.package:34} absent: {error}")
            return True
        ours = embedder.embed_file(clips[name]).embedding
        if embedder.profile.pool:
            ours = ours.mean(axis=0, keepdims=True)
        same = theirs.shape == ours.shape
        apart = (
            np.abs(theirs - ours).max(initial=0) / np.abs(theirs).max(initial=1e-9) if same else 9
        )
        near &= bool(apart <= program.tolerance)
        if program.tolerance == BYTE:
            near &= bool((theirs != ours).mean() < 0.01)
        rows = f"{len(ours)} rows" if same else f"{theirs.shape} and {ours.shape}"
        print(
            f"{program.profile:15} {program.package:34} {name:12} {rows:8} {apart:.1e}", flush=True
        )
    return near


def quiet(function, *arguments):
    """The result, without what the program prints."""
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        return np.asarray(function(*arguments), np.float32)


def write_clips(folder: Path) -> dict[str, Path]:
    """Clips that differ in rate, channels, level, width and length."""
    generator = np.random.default_rng(0)

    def sound(rate: int, seconds: float, channels: int, level: float) -> np.ndarray:
        times = np.arange(int(rate * seconds)) / rate
        tones = [np.sin(2 * np.pi * (200 + 300 * k) * times * (1 + 0.2 * times)) for k in range(8)]
        noise = generator.standard_normal((len(times), channels))
        swell = 0.6 + 0.4 * np.sin(2 * np.pi * 0.7 * times)
        mixed = (np.sum(tones, axis=0) * swell)[:, np.newaxis] / 10 + 0.1 * noise
        return np.clip(level * mixed * np.linspace(1, 0.5, channels) + 0.01, -1, 0.999)

    clips = {
        "44k stereo": (sound(44_100, 3.3, 2, 0.9), 44_100, "PCM_16"),
        "48k 24 bits": (sound(48_000, 2.4, 1, 0.05), 48_000, "PCM_24"),
        "16k mono": (sound(16_000, 4.99, 1, 0.5), 16_000, "PCM_16"),
        "16k quiet": (sound(16_000, 3.2, 1, 0.01), 16_000, "PCM_16"),
        "16k short": (sound(16_000, 0.5, 1, 0.5), 16_000, "PCM_16"),
    }
    paths = {name: folder / name / f"{name.replace(' ', '_')}.wav" for name in clips}
    for name, (samples, rate, subtype) in clips.items():
        paths[name].parent.mkdir()
        soundfile.write(paths[name], samples, rate, subtype)
    return paths


if __name__ == "__main__":
    main()
