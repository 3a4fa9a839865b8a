"""Trains VGGish and a small head on it to classify sines, constants and white noise.

    python examples/train.py --num-batches 30
    python examples/train.py --no-train-vggish

With --no-train-vggish, VGGish is a fixed feature extractor and only the head is trained. `--weights
none` starts from untrained weights.

Source: tensorflow/models research/audioset/vggish/vggish_train_demo.py. There, the constant was a
ramp by mistake.
"""

import argparse
import sys

import keras
import numpy as np

from vggish_tf import VGGish, VGGishError, WaveformToExamples
from vggish_tf.params import ADAM_EPSILON, LEARNING_RATE, SAMPLE_RATE

CLASSES = ("sine", "constant", "noise")
SECONDS = 5


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--num-batches", type=int, default=30, help="15 examples each (default: 30)"
    )
    parser.add_argument("--train-vggish", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument(
        "--weights", default="audioset", help='"audioset" (the default), a checkpoint, or "none"'
    )
    parser.add_argument(
        "--learning-rate", type=float, default=LEARNING_RATE, help=f"default: {LEARNING_RATE:g}"
    )
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    keras.utils.set_random_seed(args.seed)
    print(
        "from UNTRAINED weights" if args.weights == "none" else f"from the weights {args.weights}"
    )
    weights = None if args.weights == "none" else args.weights
    model = classifier(weights, args.train_vggish, args.learning_rate)
    generator = np.random.default_rng(args.seed)
    for step in range(1, args.num_batches + 1):
        model.reset_metrics()  # some versions of Keras give the mean over all batches so far
        loss = model.train_on_batch(*examples_batch(generator))
        print(f"step {step}: loss {loss:.4f}", flush=True)
    examples, labels = examples_batch(generator)
    guesses = model.predict_on_batch(examples).argmax(axis=1)
    accuracy = np.mean(guesses == labels.argmax(axis=1))
    print(f"{accuracy:.0%} of a new batch are classified correctly")


def classifier(weights, train_vggish: bool, learning_rate: float) -> keras.Model:
    """VGGish, then 100 units, then one logit a class: (batch, 96, 64) → (batch, 3)."""
    vggish = VGGish(weights, inputs="examples")
    vggish.trainable = train_vggish
    x = keras.layers.ReLU()(vggish.output)  # the embedding itself has no activation
    x = keras.layers.Dense(100, activation="relu", name="fc")(x)
    logits = keras.layers.Dense(len(CLASSES), name="logits")(x)
    model = keras.Model(vggish.input, logits)
    optimizer = keras.optimizers.Adam(learning_rate, epsilon=ADAM_EPSILON)
    model.compile(optimizer, keras.losses.BinaryCrossentropy(from_logits=True))
    return model


def examples_batch(generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """5 examples of each class, shuffled: (15, 96, 64), and their labels (15, 3)."""
    seconds = np.arange(SECONDS * SAMPLE_RATE) / SAMPLE_RATE
    sine = np.sin(2 * np.pi * generator.uniform(100, 1000) * seconds)
    constant = np.full_like(seconds, generator.uniform(-1, 1))
    noise = generator.normal(0, 1, seconds.shape)
    examples = np.asarray(WaveformToExamples()(np.stack([sine, constant, noise])))  # (3, 5, 96, 64)
    labels = np.repeat(np.eye(len(CLASSES)), examples.shape[1], axis=0)
    order = generator.permutation(len(labels))
    return examples.reshape(-1, *examples.shape[2:])[order], labels[order]


if __name__ == "__main__":
    try:
        main()
    except VGGishError as error:
        sys.exit(f"train.py: {error}")
