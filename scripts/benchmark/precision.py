"""Accuracy of bfloat16 on speech, instruments, noise, and on recordings if shared/data is there."""

from pathlib import Path

import numpy as np

from benchmark.cases import lowest_cosine
from benchmark.workers import Worker

# beside the repository; not a part of it
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
RECORDINGS = {
    "street and voices": "bus_chatter.wav",
    "music, 1": "mg-1634.opus",
    "music, 2": "mubert-806.opus",
}


def measure(ours: Worker, other: Worker) -> dict[str, dict[str, float]]:
    """Kind of sound → cosine to float32 (lowest, median), and differences of embeddings and bytes.

    The bytes are quantized with the published PCA parameters; without them (shared/data) they are
    left out.
    """
    found = {}
    for kind, clip in _sounds():
        exact, rounded = (worker.call("embed_clip", *clip)[0] for worker in (ours, other))
        found[kind] = _compare(exact, rounded)
    return found


def table(results: dict[str, dict[str, float]]) -> str:
    """The results as a Markdown table."""
    lines = [
        "| sound | rows | lowest cosine | median cosine | bytes that change | by how much |",
        "|---|---|---|---|---|---|",
    ]
    for kind, found in results.items():
        share, steps = found.get("bytes_changed"), found.get("largest_step")
        changed = by = ""
        if share is not None:
            changed = f"{100 * share:.1f} %"
            by = f"{found['mean_step']:.2f} steps on average, {steps:.0f} at most"
        lines.append(
            f"| {kind} | {found['rows']:.0f} | {found['lowest_cosine']:.5f} | "
            f"{found['median_cosine']:.5f} | {changed} | {by} |"
        )
    return "\n".join(lines)


def _sounds():
    from importlib import resources

    from vggish_tf import audio

    clip, rate = audio.load_audio(str(resources.files("vggish_tf") / "data" / "demo.flac"))
    yield "speech", (clip[: int(2.88 * rate), 0], rate)
    yield "instruments", (clip[int(2.88 * rate) : int(11.52 * rate), 0], rate)
    noise = 0.3 * np.random.default_rng(0).standard_normal(160_000)
    yield "noise", (noise.astype(np.float32), 16_000)
    yield "silence", (np.zeros(32_000, np.float32), 16_000)
    for kind, name in RECORDINGS.items():
        if (SHARED / "audio" / name).is_file():
            yield f"{kind} (recording)", audio.load_audio(SHARED / "audio" / name)


def _compare(exact: np.ndarray, rounded: np.ndarray) -> dict[str, float]:
    pairs = zip(exact[:, np.newaxis], rounded[:, np.newaxis], strict=True)
    cosines = [lowest_cosine(*pair) for pair in pairs]
    found = {
        "rows": len(exact),
        "lowest_cosine": min(cosines),
        "median_cosine": float(np.median(cosines)),
        "largest_difference": float(np.abs(exact - rounded).max()),
    }
    return {**found, **_bytes(exact, rounded)}


def _bytes(exact: np.ndarray, rounded: np.ndarray) -> dict[str, float]:
    pca = SHARED / "vggish_pca_params.npz"
    if not pca.is_file():
        return {}
    from vggish_tf.reference.vggish_postprocess import Postprocessor

    postprocess = Postprocessor(str(pca)).postprocess
    steps = np.abs(postprocess(exact).astype(int) - postprocess(rounded))
    return {
        "bytes_changed": float((steps > 0).mean()),
        "mean_step": float(steps.mean()),
        "largest_step": float(steps.max()),
    }
