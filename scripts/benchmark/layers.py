"""Time of each layer of the network, in Keras and in Embedder."""

import statistics
import time
from pathlib import Path

ROWS = 32
TURNS = 15
HOW = ("Keras", "Embedder")


def measure(checkpoint: Path) -> dict[str, dict[str, float]]:
    """Layer → milliseconds an example in both: medians of calls, the two taking turns."""
    from vggish_tf import Params, inference
    from vggish_tf.network import winograd

    network = inference.of(checkpoint, Params(), "float32")
    calls = {(layer, HOW[0]): call for layer, call in _calls(network)}
    calls |= {(layer, HOW[1]): call for layer, call in _calls(winograd.fastest(network))}
    seconds: dict[tuple[str, str], list[float]] = {key: [] for key in calls}
    for _ in range(TURNS):
        for key, call in calls.items():
            start = time.perf_counter()
            call()
            seconds[key].append(time.perf_counter() - start)
    found: dict[str, dict[str, float]] = {layer: {} for layer, _ in calls}
    for (layer, how), times in seconds.items():
        found[layer][how] = 1e3 * statistics.median(times[1:]) / ROWS  # the first call traces
    return found


def table(results: dict[str, dict[str, float]]) -> str:
    """The results as a Markdown table, with the sums."""
    sums = {how: sum(times[how] for times in results.values()) for how in HOW}
    rows = {**results, "**sum**": sums}
    lines = [
        f"| {layer} | {times['Keras']:.2f} ms | {times['Embedder']:.2f} ms |"
        for layer, times in rows.items()
    ]
    return "\n".join(["| layer | Keras | Embedder |", "|---|---|---|", *lines])


def _calls(model):
    """Yields layer names and functions that run them, in the order of the network."""
    import tensorflow as tf

    x = tf.random.uniform((ROWS, 96, 64, 1), -4, 4, seed=0)
    for layer in model.layers:
        if not layer.name.startswith(("conv", "pool", "fc", "embedding")):
            continue
        x = tf.reshape(x, (ROWS, -1)) if layer.name == "fc1_1" else x
        run = tf.function(lambda x, layer=layer: layer(x, training=False))
        yield layer.name, lambda run=run, x=x: run(x)
        x = run(x)
