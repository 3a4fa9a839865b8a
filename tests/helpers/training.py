"""Trainings of a small classifier."""

import numpy as np
import small_network

from vggish_tf.jobs import finetune


def run(
    folder,
    output,
    *,
    epochs,
    augment=(),
    stage="examples",
    seed=0,
    resume=False,
    cache=None,
    **options,
):
    """Trains a small classifier with dropout; returns its weights and the history, without the
    times.
    """
    data = finetune.dataset(folder, batch_size=4)
    model = small_network.classifier(
        **{"dropout": 0.5, "trainable": "all", "learning_rate": 3e-3, **options}
    )
    layers = [layer(name=layer.__name__.lower()) for layer in augment]
    values = data if stage == "waveform" else finetune.cached(data, model, stage, cache)
    progress = finetune.train(
        model, values, output, stage=stage, epochs=epochs, augment=layers, seed=seed, resume=resume
    )
    history = [
        {name: value for name, value in row.items() if name != "seconds"}
        for row in progress.history
    ]
    return model.get_weights(), history


def same(first, second) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
