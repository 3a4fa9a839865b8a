"""Benchmark of embed_archive(): short clips against one long file, and the memory of large jobs.

    python scripts/bench_embed.py speed --rounds 5
    python scripts/bench_embed.py memory

`speed`: as much sound in five-second clips and in one file, in turn, each in a process of its own;
the ratio is taken within a round. `memory`: the most memory (VmHWM, so on Linux) of a process
during ten minutes, for ten hours, and for 100,000 clips of a second; the network embeds the
first batch, and zeros stand for the rest. Weights are untrained, and as large and as fast as the
published ones.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

SPEED_CLIPS, CLIP_SECONDS = 128, 5
RATE = 44_100


def write(path: Path, seconds: float, rate: int = RATE, channels: int = 2) -> Path:
    """Noise of a length, written a minute at a time."""
    generator = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", rate, channels) as file:
        for start in np.arange(0, seconds, 60):
            length = round(min(60, seconds - start) * rate)
            file.write(generator.uniform(-0.5, 0.5, (length, channels)).astype(np.float32))
    return path


def write_links(folder: Path, source: Path, count: int) -> Path:
    """A folder of clips, which are links to one file."""
    folder.mkdir()
    for number in range(count):
        place = folder / f"{number // 1000:03}"
        place.mkdir(exist_ok=True)
        os.symlink(source, place / f"{number:06}.wav")
    return folder


def embed(what: str, sounds: Path) -> dict:
    """Seconds and megabytes of a job in a process of its own."""
    command = [sys.executable, "-W", "ignore", __file__, what, str(sounds)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def embed_here(sounds: Path, with_network: bool):
    """Embeds, and prints what it took; warmed up, as the first batches are slower."""
    from vggish_tf import Embedder
    from vggish_tf.jobs.embed import embed_archive

    embedder = Embedder(None)
    embedder(np.ones(64 * 15_600, np.float32), 16_000)
    if not with_network:
        embedder._network.__dict__["_loaded"] = embedder._network._loaded._replace(run=no_network)
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM counts anew: of the job, not the loading
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        embed_archive([sounds], f"{folder}/rows", embedder)
        seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "megabytes": peak_megabytes()}))


def no_network(examples: np.ndarray) -> np.ndarray:
    """Zeros in the place of embeddings."""
    return np.zeros((len(examples), 128), np.float32)


def peak_megabytes() -> float:
    """The most memory that this process has had; ru_maxrss would count that of its parent."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def speed(folder: Path, rounds: int):
    """Times clips and one file of the same length."""
    write(folder / "clip.wav", CLIP_SECONDS)
    clips = write_links(folder / "clips", folder / "clip.wav", SPEED_CLIPS)
    total = SPEED_CLIPS * CLIP_SECONDS
    long = write(folder / "long.wav", total)
    results = []
    for _ in range(rounds):
        results.append([embed("one", sounds)["seconds"] for sounds in (long, clips)])
        print("file {:.1f} s, clips {:.1f} s".format(*results[-1]), flush=True)
    file, in_clips = (statistics.median(times) for times in zip(*results, strict=True))
    ratio = statistics.median(clips / file for file, clips in results)
    print(f"{total} s of sound: one file {total / file:.0f} times real time, clips of ", end="")
    print(f"{CLIP_SECONDS} s {total / in_clips:.0f} times; clips take {ratio:.3f} of the time")


def memory(folder: Path):
    """The peak memory of three jobs."""
    write(folder / "second.wav", 1, 16_000, 1)
    jobs = {
        "10 minutes": lambda: write(folder / "minutes.wav", 600),
        "10 hours": lambda: write(folder / "hours.flac", 36_000),
        "100,000 clips": lambda: write_links(folder / "clips", folder / "second.wav", 100_000),
    }
    for name, made in jobs.items():
        found = embed("one-without", made())
        print(f"{name}: {found['megabytes']:.0f} MB, {found['seconds']:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=("speed", "memory", "one", "one-without"))
    parser.add_argument("sounds", nargs="?", type=Path, help="of one job")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    if args.what.startswith("one"):
        embed_here(args.sounds, args.what == "one")
        return
    with tempfile.TemporaryDirectory() as folder:
        speed(Path(folder), args.rounds) if args.what == "speed" else memory(Path(folder))


if __name__ == "__main__":
    main()
