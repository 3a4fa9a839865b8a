"""Milliseconds of each layer of the network, as Keras has it and as Embedder runs it."""

import statistics
import time
from pathlib import Path

ROWS = 32
TURNS = 15
HOW = ("Keras", "Embedder")


def measure(checkpoint: Path) -> dict[str, dict[str, float]]:
    """Layer → milliseconds an example, in either way: medians of calls taken in turn."""
    from vggish_tf import Params, inference
    from vggish_tf.network import winograd

    raw = inference.of(checkpoint, Params(), "float32")
    calls = {(layer, HOW[0]): call for layer, call in _calls(raw)}
    calls |= {(layer, HOW[1]): call for layer, call in _calls(winograd.fastest(raw))}
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
    """The same as Markdown, with the sums."""
    rows = {
        **results,
        "**sum**": {how: sum(times[how] for times in results.values()) for how in HOW},
    }
    lines = [
        f"| {layer} | {times['Keras']:.2f} ms | {times['Embedder']:.2f} ms |"
        for layer, times in rows.items()
    ]
    return "\n".join(["| layer | Keras | Embedder |", "|---|---|---|", *lines])


def _calls(model):
    """Layer and call, in the order of the network, each with an input of the right size."""
    import tensorflow as tf

    x = tf.random.uniform((ROWS, 96, 64, 1), -4, 4, seed=0)
    for layer in model.layers:
        if not layer.name.startswith(("conv", "pool", "fc", "embedding")):
            continue
        x = tf.reshape(x, (ROWS, -1)) if layer.name == "fc1_1" else x
        run = tf.function(lambda x, layer=layer: layer(x, training=False))
        yield layer.name, lambda run=run, x=x: run(x)
        x = run(x)
