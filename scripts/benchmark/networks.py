"""Time of the network in exported files, beside Keras's own export of the same network.

Keras's own export to ONNX takes minutes and 16 GB.
"""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmark import exported
from benchmark.cases import ATOL
from benchmark.workers import missing

BATCHES = (64, 1)
Run = Callable[[np.ndarray], np.ndarray]


def measure(checkpoint: Path, folder: Path, turns: int) -> dict:
    """Format → batch size → "ours" and "keras" → seconds of each call, the two taking turns.

    Raises:
        SystemExit: the two compute something else.
    """
    from vggish_tf import VGGish

    model = VGGish(checkpoint, inputs="examples")
    runs = {"SavedModel": _saved_models(model, checkpoint, folder)}
    if not missing("onnxruntime"):
        runs["ONNX"] = _onnx(model, checkpoint, folder)
    return {
        format: {str(batch): _turns(format, pair, batch, turns) for batch in BATCHES}
        for format, pair in runs.items()
    }


def _saved_models(model, checkpoint: Path, folder: Path) -> dict[str, Run]:
    import tensorflow as tf

    path = exported.exported(checkpoint, folder, "saved_model")
    model.export(folder / "keras", verbose=False)
    # the objects themselves, which keep the variables of their functions
    ours, keras = (tf.saved_model.load(str(each)) for each in (path, folder / "keras"))

    def run(examples):
        examples = tf.convert_to_tensor(examples)
        return ours.signatures["examples"](input_features=examples)["embedding"].numpy()

    return {"ours": run, "keras": lambda examples: keras.serve(examples).numpy()}


def _onnx(model, checkpoint: Path, folder: Path) -> dict[str, Run]:
    path, own = folder / "network.onnx", folder / "keras.onnx"
    _cut_out(exported.exported(checkpoint, folder, "onnx"), path)
    model.export(own, format="onnx", verbose=False)
    return {"ours": _session(path), "keras": _session(own)}


def _cut_out(source: Path, target: Path):
    """Writes the network of a file that takes waveforms.

    Its first sum is over the examples, and its last choice gives the embeddings: NaN for an example
    that is not finite.
    """
    import onnx

    nodes = onnx.load(source, load_external_data=False).graph.node
    examples = next(node.input[0] for node in nodes if node.op_type == "ReduceSum")
    embedding = next(node.output[0] for node in reversed(nodes) if node.op_type == "Where")
    onnx.utils.extract_model(source, target, [examples], [embedding])


def _session(path: Path) -> Run:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda examples: session.run(None, {name: examples})[0]


def _turns(format: str, runs: dict[str, Run], batch: int, turns: int) -> dict[str, dict]:
    examples = np.random.default_rng(0).uniform(-4, 4, (batch, 96, 64)).astype(np.float32)
    _check(format, *(run(examples) for run in runs.values()))
    results: dict[str, dict] = {name: {"wall": []} for name in runs}
    for _ in range(turns):
        for name, run in runs.items():
            start = time.perf_counter()
            run(examples)
            results[name]["wall"].append(time.perf_counter() - start)
    return results


def _check(format: str, ours: np.ndarray, keras: np.ndarray):
    difference = np.abs(ours - keras).max() / max(1.0, np.abs(keras).max())
    if not difference <= ATOL:
        raise SystemExit(f"bench: our {format} is {difference:.1e} off Keras's.")
