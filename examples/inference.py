"""Sound file → log-mel examples → embeddings → quantized embeddings, as a TFRecord of AudioSet.

    python examples/inference.py clip.wav --tfrecord clip.tfrecord

Without a file, the input is five seconds of a 1 kHz sine. `--weights none` runs on untrained
weights, to try the pipeline. The TFRecord holds one SequenceExample with the feature list
`audio_embedding`, 128 bytes for each 0.96 s.

Source: tensorflow/models research/audioset/vggish/vggish_inference_demo.py.
"""

import argparse
import sys

import numpy as np

from vggish_tf import Embedder, Postprocessor, VGGishError, WaveformToExamples, load_audio
from vggish_tf.audio import to_mono
from vggish_tf.formats import tfrecord


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("audio", nargs="?", help="a file of any rate and channel count")
    parser.add_argument(
        "--weights", default="audioset", help='"audioset" (the default), a checkpoint, or "none"'
    )
    parser.add_argument(
        "--pca", help='"audioset", an npz, or "none" (default: audioset; none with --weights none)'
    )
    parser.add_argument("--tfrecord", help="output file for the quantized embeddings")
    args = parser.parse_args()

    waveform, sample_rate = load_audio(args.audio) if args.audio else sine()
    embedder = Embedder(None if args.weights == "none" else args.weights)
    if embedder.untrained:
        print(
            "UNTRAINED WEIGHTS: the numbers below show that the pipeline runs, and mean nothing "
            "else."
        )
    mono = to_mono(waveform, sample_rate, embedder.params.sample_rate)
    examples = WaveformToExamples(pad="short")(mono)
    print("log-mel examples", np.asarray(examples), sep="\n")
    embedding, timestamps = embedder(waveform, sample_rate)
    print(f"embeddings, at {timestamps} s", embedding, sep="\n")
    pca = args.pca or ("none" if args.weights == "none" else "audioset")
    quantized = np.asarray(Postprocessor(weights=None if pca == "none" else pca)(embedding))
    print("quantized", quantized, sep="\n")
    if args.tfrecord:
        print("wrote", tfrecord.write(args.tfrecord, [tfrecord.Record(quantized)]))


def sine(seconds=5, sample_rate=44_100):
    return np.sin(2 * np.pi * 1000 * np.arange(seconds * sample_rate) / sample_rate), sample_rate


if __name__ == "__main__":
    try:
        main()
    except VGGishError as error:
        sys.exit(f"inference.py: {error}")
