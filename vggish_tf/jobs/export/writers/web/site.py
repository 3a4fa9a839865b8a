"""The folder of the page: its files are copied, and its network is checked in ONNX Runtime."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from vggish_tf import web
from vggish_tf.files import DATA
from vggish_tf.jobs.export.catalogue import Loaded
from vggish_tf.jobs.export.pipeline import Pipeline
from vggish_tf.jobs.export.writers.web import front_end, graph, runtime, sounds
from vggish_tf.params import EMBEDDING_SIZE
from vggish_tf.weights import registry

NETWORK = "vggish.onnx"
FRONT_END = "front_end.json"
PAGES = ("shared", "site")  # folders of vggish_tf/web


def write(pipeline: Pipeline, path: Path, precision: str):
    """Writes the folder without the manifest, and checks the network with ONNX's own checker."""
    import onnx

    path.mkdir()
    runtime.copy_to(path / "runtime")
    for file in _page():
        shutil.copyfile(file, path / file.name)
    for name in (sounds.CLIP.name, "demo.json"):  # the second has the licence of the first
        shutil.copyfile(str(DATA / name), path / name)
    text = json.dumps(front_end.describe(pipeline.params))
    (path / FRONT_END).write_text(text, encoding="utf-8")
    graph.write(path / NETWORK, pipeline.network, pipeline.params, precision)
    onnx.checker.check_model(path / NETWORK, full_check=True)


def load(path: Path, pipeline: Pipeline) -> Loaded:
    """Loads the network in ONNX Runtime, and measures its cosines to the live network."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path / NETWORK, providers=["CPUExecutionProvider"])

    def embed(examples: np.ndarray) -> np.ndarray:
        return session.run(None, {graph.INPUT: examples})[0]

    def run(waveform):
        examples = pipeline.live_examples(waveform)
        rows = embed(examples.reshape(-1, *examples.shape[2:]))
        return rows.reshape(*examples.shape[:2], EMBEDDING_SIZE)

    cosines = {
        name: _lowest_cosine(run(waveform[np.newaxis]), pipeline.live(waveform[np.newaxis]))
        for name, waveform in sounds.sounds(pipeline.params).items()
    }
    shape = [None, pipeline.params.num_frames, pipeline.params.num_mel_bins]
    signature = {
        "inputs": {graph.INPUT: {"dtype": "float32", "shape": shape}},
        "outputs": {"embedding": {"dtype": "float32", "shape": [None, EMBEDDING_SIZE]}},
    }
    about = {
        "weights": _without_places(pipeline.identity.as_json()),
        "network": _described(path / NETWORK),
        "cosines": cosines,
        "silence": _silence(pipeline, embed),
        "runtime": runtime.describe(),
    }
    return Loaded(run, {"graph": signature}, about, _lines(cosines))


def _silence(pipeline: Pipeline, embed: Callable[[np.ndarray], np.ndarray]) -> dict:
    """Silence as an example, and its embedding: the page checks its runtime with them."""
    params = pipeline.params
    shape = (1, params.num_frames, params.num_mel_bins)
    example = np.full(shape, np.log(params.log_offset), np.float32)
    expected = np.asarray(pipeline.embed(example))
    return {
        "log_mel": float(example[0, 0, 0]),
        "embedding": expected[0].tolist(),
        "cosine": _lowest_cosine(embed(example)[np.newaxis], expected[np.newaxis]),
    }


def _page() -> list[Path]:
    return [
        file
        for name in PAGES
        for file in sorted(Path(str(web.FOLDER), name).glob("*"))
        if file.is_file()
    ]


def _without_places(identity: dict) -> dict:
    """An identity of weights without the names of folders, since a page may be public."""
    return {**identity, "asked": Path(identity["asked"]).name, "path": None}


def _described(path: Path) -> dict:
    return {
        "file": path.name,
        "bytes": path.stat().st_size,
        "sha256": registry.sha256_of(path),
    }


def _lowest_cosine(found: np.ndarray, expected: np.ndarray) -> float:
    """The lowest cosine of a row to that of the live model; that of two rows of zeros is 1."""
    found, expected = (array[0].astype(np.float64) for array in (found, expected))
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    cosines = (found == expected).all(axis=1).astype(np.float64)
    np.divide(np.sum(found * expected, axis=1), lengths, out=cosines, where=lengths > 0)
    return min(float(cosines.min()), 1.0)  # without a rounding error beyond 1


def _lines(cosines: dict[str, float]) -> list[str]:
    """The cosines as a table."""
    return [
        "lowest cosine to float32:",
        *(f"  {name:<8} {cosine:.6f}" for name, cosine in cosines.items()),
    ]
