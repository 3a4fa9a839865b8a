"""Examples that share convolutions, against the plain Keras network on each example by itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from unittest.mock import Mock

import keras
import numpy as np
import pytest
import signals
import small_network

from vggish_tf import Embedder, Params, backend, checkpoints
from vggish_tf.inference import after
from vggish_tf.network import backbone, fast, overlap
from vggish_tf.network.plan import Plan

HOPS = [16, 48, *(pytest.param(hop, marks=pytest.mark.slow) for hop in (8, 32, 80))]
# 64 channels, for Winograd's convolutions; 4 are as different in the rows where examples differ
CHANNELS = [pytest.param(4, marks=pytest.mark.slow), 64]


@contextmanager
def widths(channels: int) -> Iterator[None]:
    """Networks that are built inside have so many channels after each convolution."""
    table = [(name, width and channels) for name, width in backbone.CONVOLUTIONS]
    with pytest.MonkeyPatch.context() as patch:
        small_network.shrink(patch.setattr)
        patch.setattr(backbone, "CONVOLUTIONS", tuple(table))
        yield


@cache
def network_of(channels: int) -> keras.Model:
    with widths(channels):
        return small_network.randomize(backbone.network())


def values_of(network: keras.Model) -> fast.LayerValues:
    return {name: network.get_layer(name).get_weights() for name in backbone.LAYER_NAMES}


@cache
def fast_of(channels: int) -> keras.Model:
    with widths(channels):
        plan = Plan(convolutions="winograd")
        return fast.network(Params(), values_of(network_of(channels)).__getitem__, plan)


def log_mel(num_frames: int, seed=0) -> np.ndarray:
    """Frames that are like their neighbours, as in sound, far from the zeros around an example."""
    steps = np.random.default_rng(seed).normal(0, 0.3, (num_frames, 64))
    return (2 + np.sin(np.cumsum(steps, axis=0))).astype(np.float32)


def cut(frames: np.ndarray, hop: int) -> np.ndarray:
    starts = range(0, len(frames) - 95, hop)
    return np.stack([frames[start : start + 96] for start in starts])


def one_by_one(network, examples: np.ndarray) -> np.ndarray:
    return np.concatenate([np.asarray(network(example[np.newaxis])) for example in examples])


def assert_same(found, expected, within=1e-5):
    """Within 1e-5 of the largest value: the same float32 sums in another order."""
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=within * np.nanmax(np.abs(expected)))


def shared(channels: int, examples: np.ndarray, hop: int) -> np.ndarray:
    layer = overlap.Overlapping(values_of(network_of(channels)), fast_of(channels))
    return backend.compiled(layer, (None, 64), (None,))(*overlap.joined(examples, hop))


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("hop", HOPS)
def test_a_row_is_that_of_its_example_by_itself(hop, channels):
    examples = cut(log_mel(96 + 5 * hop), hop)
    assert len(overlap.joined(examples, hop)[0]) == 96 + 5 * hop
    assert_same(shared(channels, examples, hop), one_by_one(network_of(channels), examples))


clips = [cut(log_mel(length, seed), 48) for seed, length in enumerate([240, 96, 150, 96])]
silence = np.full((1, 96, 64), np.log(0.01), np.float32)
BATCHES = {  # hop 48: the examples, and the frames that they have together
    "one example": (clips[1], 96),
    "two that do not overlap": (np.concatenate([clips[1], clips[3]]), 192),
    "several clips": (np.concatenate(clips), 240 + 96 + 144 + 96),
    "the end of one clip and another": (np.concatenate([clips[0][2:], clips[2]]), 2 * 144),
    "two clips that overlap by chance": (np.stack([log_mel(144)[:96], log_mel(144)[48:]]), 144),
    "silent clips": (np.concatenate([silence] * 4), 96 + 3 * 48),
    "the same example again": (np.concatenate([clips[1], clips[1]]), 192),
    "in the wrong order": (clips[0][::-1].copy(), 4 * 96),
}


USUAL = ("one example", "several clips", "in the wrong order")


@pytest.mark.parametrize(
    "name",
    [
        *USUAL,
        *(pytest.param(each, marks=pytest.mark.slow) for each in BATCHES if each not in USUAL),
    ],
)
def test_any_batch_is_its_examples(name):
    examples, num_frames = BATCHES[name]
    frames, starts = overlap.joined(examples, 48)
    assert len(frames) == num_frames
    np.testing.assert_array_equal([frames[start : start + 96] for start in starts], examples)
    assert_same(shared(64, examples, 48), one_by_one(network_of(64), examples))


def test_batches_of_any_size_in_one_trace():
    network = network_of(4)
    layer = overlap.Overlapping(values_of(network), network)
    run = backend.compiled(layer, (None, 64), (None,))
    for count in (5, 1, 9):
        examples = cut(log_mel(96 + 16 * (count - 1), count), 16)
        assert_same(run(*overlap.joined(examples, 16)), one_by_one(network, examples))


def run_of(channels: int, hop: int) -> backend.Run:
    """As Embedder runs it."""
    params = Params(example_hop_seconds=hop / 100)
    return overlap.compiled(values_of(network_of(channels)), fast_of(channels), params)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "bad", [np.nan, 1e30, *(pytest.param(bad, marks=pytest.mark.slow) for bad in (np.inf, -np.inf))]
)
def test_a_bad_frame_spoils_the_examples_that_have_it_and_no_other(bad):
    """Winograd's tiles reach over the ends of examples."""
    frames = log_mel(96 + 11 * 16)
    frames[170, 5] = bad  # of examples 5 to 10
    examples = cut(frames, 16)
    found, expected = run_of(64, 16)(examples), one_by_one(network_of(64), examples)
    good = [*range(5), 11]
    assert_same(found[good], expected[good])
    if abs(bad) != 1e30:
        assert np.isnan(found[5:11]).all()
        assert np.isnan(expected[5:11]).all()


@pytest.fixture
def ways(monkeypatch):
    """The ways that batches went, "plain" or "shared"."""
    taken = []

    def compiled(layer, *shapes):
        way = "plain" if len(shapes) == 1 else "shared"
        return lambda *arrays: taken.append(way)

    monkeypatch.setattr(backend, "compiled", compiled)
    return taken


@pytest.mark.parametrize(
    ("hop", "num_examples", "way"),
    [
        (48, 64, "shared"),
        (16, 3, "shared"),
        (48, 6, "shared"),  # 56 frames an example
        (48, 5, "plain"),  # 57.6
        (48, 1, "plain"),
        (50, 64, "plain"),  # the pools do not divide it
        (64, 64, "plain"),
        (96, 64, "plain"),
        (150, 64, "plain"),
    ],
)
def test_the_way_by_the_frames_that_are_shared(ways, hop, num_examples, way):
    run_of(4, hop)(cut(log_mel(96 + (num_examples - 1) * hop), hop))
    assert ways == [way]


def test_clips_of_one_example_take_the_plain_way(ways):
    run_of(4, 48)(np.concatenate([log_mel(96, seed)[np.newaxis] for seed in range(9)]))
    assert ways == ["plain"]


@pytest.mark.parametrize("other", [{"example_window_seconds": 0.8}, {"num_mel_bins": 32}])
def test_examples_of_other_sizes_take_the_plain_way(ways, other):
    params = Params(example_hop_seconds=0.16, **other)
    with small_network.shrunken():
        small = backbone.network(params)
    shape = (9, params.num_frames, params.num_mel_bins)
    overlap.compiled(values_of(small), small, params)(np.zeros(shape, np.float32))
    assert ways == ["plain"]


def test_a_gpu_and_other_backends_take_the_plain_way(ways, monkeypatch):
    monkeypatch.setattr(backend, "on_tensorflow_cpu", lambda: False)
    run_of(4, 16)(cut(log_mel(400), 16))
    assert ways == ["plain"]


def test_half_precision_in_the_first_layers_takes_the_plain_way(ways):
    """Their rows would differ by more than float32's rounding."""
    with small_network.shrunken():
        half = backbone.network(dtype="float16")
    params = Params(example_hop_seconds=0.16)
    overlap.compiled(values_of(half), half, params)(cut(log_mel(400), 16))
    assert ways == ["plain"]


@pytest.mark.thorough
def test_what_comes_after_the_network_comes_after_shared_rows_too():
    made = fast_of(64)
    with_relu = keras.Model(made.input, after(made.output, "relu", None))
    examples, values = cut(log_mel(400), 16), values_of(network_of(64))
    found = overlap.compiled(values, with_relu, Params(example_hop_seconds=0.16))(examples)
    expected = one_by_one(network_of(64), examples)
    assert (expected < -0.1).any()
    assert_same(found, np.maximum(expected, 0))


@pytest.mark.thorough
@pytest.mark.parametrize("hop", [0.16, 0.48])
def test_an_embedder_gives_the_rows_of_its_examples(
    small_networks, small_checkpoint, monkeypatch, hop
):
    joined = Mock(wraps=overlap.joined)
    monkeypatch.setattr(overlap, "joined", joined)
    params = Params(example_hop_seconds=hop)
    overlapping = Embedder(small_checkpoint, params=params)
    with_gaps = Embedder(small_checkpoint)
    clip = signals.demo_clip()[:160_000]
    rows = overlapping(clip, 16_000).embedding
    starts = range(0, len(clip) - 15_599, params.example_hop_samples)
    alone = [with_gaps(clip[start : start + 15_600], 16_000).embedding for start in starts]
    assert_same(rows, np.concatenate(alone))
    assert joined.called


@pytest.mark.slow
@pytest.mark.parametrize("hop", [16, 48])
def test_the_network_at_its_full_size(seeded_checkpoint, hop):
    network = backbone.network(initializer="zeros")
    checkpoints.load_weights(network, seeded_checkpoint)
    examples = cut(log_mel(96 + 11 * hop), hop)
    values, plan = values_of(network), Plan(convolutions="winograd")
    params = Params(example_hop_seconds=hop / 100)
    run = overlap.compiled(values, fast.network(params, values.__getitem__, plan), params)
    assert_same(run(examples), one_by_one(network, examples))
