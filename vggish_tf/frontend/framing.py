"""Numbers of samples, frames and examples, as integers or as tensors.

In a batch of clips of different lengths, the samples after a clip's last non-zero one are padding.

Source: mel_features.frame for the counts, YAMNet's features.pad_waveform for the padding.
"""

from typing import Literal, get_args

from keras import ops

from vggish_tf.errors import AudioError, check_word
from vggish_tf.params import Params

Pad = Literal["never", "short", "always"]
PADS: tuple[Pad, ...] = get_args(Pad)


def check_one_length(waveforms):
    """Raises if the clips of a batch differ in length.

    Lists of clips, object arrays and ragged tensors can be such batches.

    Raises:
        AudioError: different lengths; the message says how to pad them.
    """
    received = None
    if hasattr(waveforms, "row_splits"):
        received = f"a ragged tensor {tuple(waveforms.shape)}"
    elif isinstance(waveforms, (list, tuple)) or str(getattr(waveforms, "dtype", "")) == "object":
        lengths = {clip.shape[-1] for clip in waveforms if getattr(clip, "shape", ())}
        if len(lengths) > 1:
            first, second = sorted(lengths, key=str)[:2]
            received = f"clips of {first} and {second} samples"
    if received:
        raise AudioError(
            f"the clips of a batch must have one length; received {received}. Fill them up with "
            "zeros, as tf.data.Dataset.padded_batch() does, or give them one by one to an Embedder."
        )


def clip_lengths(waveform):
    """Length of each clip up to its last non-zero sample: (batch, num_samples) → (batch,) int32.

    Example:
        >>> int(clip_lengths(ops.array([[0.0, 0.5, 0.0]]))[0])
        2
    """
    ends = ops.arange(1, ops.shape(waveform)[-1] + 1, dtype="int32")
    return ops.max(ops.where(ops.not_equal(waveform, 0), ends, 0), axis=-1, initial=0)


def count_frames(num_samples, params: Params):
    """Number of STFT frames in `num_samples`, an int or a tensor; an incomplete one is dropped."""
    return _count_windows(num_samples, params.window_length, params.hop_length)


def count_examples(num_frames, params: Params):
    """Number of examples in `num_frames` STFT frames, an int or a tensor."""
    return _count_windows(num_frames, params.num_frames, params.example_hop_frames)


def padded_length(num_samples, params: Params, pad: Pad):
    """Number of samples after padding, an int or a tensor.

    "never" adds nothing (upstream); "short" pads a clip too short for one example; "always" pads
    the end, so that every sample is covered (YAMNet's features.pad_waveform). An empty clip is
    never padded.

    Raises:
        UsageError: `pad` is none of these.

    Example:
        >>> [padded_length(20_000, Params(), pad) for pad in PADS]
        [20000, 20000, 30960]
    """
    check_word("pad", pad, PADS)
    if pad == "never":
        return num_samples
    over = _maximum(num_samples - params.min_samples, 0)
    if pad == "short":
        length = params.min_samples + over
    else:
        hops = -(-over // params.example_hop_samples)
        length = params.min_samples + hops * params.example_hop_samples
    return length * _minimum(num_samples, 1)  # 0 for 0


def _count_windows(length, window: int, hop: int):
    return _maximum(length - window + hop, 0) // hop


def _maximum(value, bound):
    return max(value, bound) if isinstance(value, int) else ops.maximum(value, bound)


def _minimum(value, bound):
    return min(value, bound) if isinstance(value, int) else ops.minimum(value, bound)
