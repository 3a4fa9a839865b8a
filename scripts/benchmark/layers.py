"""Time of each layer of the network, in Keras and in Embedder."""

import statistics
import time
from functools import partial
from pathlib import Path

from benchmark.report import markdown

ROWS = 32
TURNS = 15


def measure(checkpoint: Path) -> dict[str, dict[str, float]]:
    """Layer → milliseconds an example in both: medians of calls, the two taking turns."""
    calls = {
        (layer, how): call
        for how, network in _networks(checkpoint).items()
        for layer, call in _calls(network)
    }
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
    columns = list(next(iter(results.values())))
    sums = {how: sum(times[how] for times in results.values()) for how in columns}
    rows = {**results, "**sum**": sums}
    lines = [[layer, *(f"{times[how]:.2f} ms" for how in columns)] for layer, times in rows.items()]
    return markdown(["layer", *columns], lines)


def _networks(checkpoint: Path) -> dict:
    """The network as Keras computes it, and as Embedder does."""
    from vggish_tf import Params
    from vggish_tf.model import network_of
    from vggish_tf.network import backbone, fast, plan

    network, _ = network_of(checkpoint, Params())
    values = {name: network.get_layer(name).get_weights() for name in backbone.LAYER_NAMES}
    return {"Keras": network, "Embedder": fast.network(Params(), values.__getitem__, plan.suited())}


def _calls(model):
    """Yields layer names and functions that run them, in the order of the network."""
    import tensorflow as tf

    x = tf.random.uniform((ROWS, 96, 64, 1), -4, 4, seed=0)
    for layer in model.layers:
        if not layer.name.startswith(("conv", "pool", "fc", "embedding")):
            continue
        x = tf.reshape(x, (ROWS, -1)) if layer.name == "fc1_1" else x
        # not a lambda: TensorFlow warns of a line of code that is traced often
        run = tf.function(partial(layer, training=False))
        yield layer.name, lambda run=run, x=x: run(x)
        x = run(x)
