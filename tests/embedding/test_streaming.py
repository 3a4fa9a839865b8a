"""Log-mel examples of a stream: bit for bit those of the whole clip, however it is cut."""

import threading

import numpy as np
import pytest
import signals
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vggish_tf import Params
from vggish_tf.frontend.blocks import ChunkLogMel, ExampleStream
from vggish_tf.frontend.framing import PADS, padded_length
from vggish_tf.frontend.layers import WaveformToExamples
from vggish_tf.network.batching import batches, prefetched
from vggish_tf.reference import vggish_input

HOPS = (0.16, 0.48, 0.5, 0.96, 1.5)  # overlapping, even and uneven to a chunk, and with gaps
FRONT_ENDS = {hop: ChunkLogMel(Params(example_hop_seconds=hop)) for hop in HOPS}


def run(blocks, hop=0.96, pad="never"):
    stream = ExampleStream(FRONT_ENDS[hop], pad)
    return np.concatenate([*map(stream.push, blocks), stream.finish()])


def cut(waveform, sizes):
    ends = np.cumsum(sizes)
    return np.split(waveform, ends[ends < len(waveform)])


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    num_samples=st.integers(1, 70_000),
    sizes=st.lists(st.integers(0, 20_000), max_size=40),
    hop=st.sampled_from(HOPS),
    pad=st.sampled_from(PADS),
)
@pytest.mark.filterwarnings("ignore:the clip has")
def test_any_cut_gives_the_same_bits(num_samples, sizes, hop, pad):
    waveform = signals.noise(num_samples)
    np.testing.assert_array_equal(run(cut(waveform, sizes), hop, pad), run([waveform], hop, pad))


@pytest.mark.parametrize("size", [1, 7, 159, 160, 161, 400, 1_600, 15_600, 15_601])
def test_blocks_of_every_awkward_size(size):
    waveform = signals.noise(16_000 if size == 1 else 50_000)
    np.testing.assert_array_equal(run(cut(waveform, [size] * (50_000 // size))), run([waveform]))


@pytest.mark.parametrize("name", signals.by_name())
@pytest.mark.parametrize("hop", HOPS)
def test_it_is_the_reference_front_end(name, hop, monkeypatch):
    from vggish_tf.reference import vggish_params

    monkeypatch.setattr(vggish_params, "EXAMPLE_HOP_SECONDS", hop)
    waveform = signals.by_name()[name]
    expected = vggish_input.waveform_to_examples(waveform, signals.RATE)
    examples = run([waveform], hop)
    assert examples.shape == expected.shape
    # as in tests/frontend/test_layers.py
    np.testing.assert_allclose(examples, expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("size", [160, 1_000, 15_600, 76_800, 100_000])
def test_an_stft_hop_over_the_window_skips_the_samples_between(size):
    params = Params(stft_hop_seconds=0.05)
    waveform = signals.noise(250_000)
    expected = np.asarray(WaveformToExamples(params)(waveform))
    stream = ExampleStream(ChunkLogMel(params), pad="never")
    found = [stream.push(waveform[start : start + size]) for start in range(0, len(waveform), size)]
    np.testing.assert_allclose(
        np.concatenate([*found, stream.finish()]), expected, rtol=0, atol=2e-6
    )


def test_an_example_comes_out_with_its_last_sample():
    stream = ExampleStream(FRONT_ENDS[0.48], "never")
    waveform = signals.noise(40_000)
    for start in range(0, 40_000, 100):
        before = max((start - 15_600) // 7_680 + 1, 0)
        after = max((start + 100 - 15_600) // 7_680 + 1, 0)
        assert len(stream.push(waveform[start : start + 100])) == after - before


@pytest.mark.parametrize("num_samples", [0, 1, 15_599, 15_600, 15_601, 31_000])
@pytest.mark.parametrize("pad", PADS)
@pytest.mark.parametrize("hop", HOPS)
@pytest.mark.filterwarnings("ignore:the clip has")
def test_the_end_follows_the_pad_rule(num_samples, pad, hop):
    waveform = signals.noise(num_samples)
    params = FRONT_ENDS[hop].params
    padded = np.pad(waveform, (0, padded_length(num_samples, params, pad) - num_samples))
    np.testing.assert_array_equal(run([waveform], hop, pad), run([padded], hop))


def test_filling_a_short_clip_is_said():
    with pytest.warns(UserWarning, match="has 100 samples at 16000 Hz, under the 15600"):
        assert len(run([signals.noise(100)], pad="short")) == 1


def test_memory_does_not_grow_with_the_clip():
    stream = ExampleStream(FRONT_ENDS[0.96], "never")
    sizes = []
    for _ in range(200):
        stream.push(signals.noise(16_000))
        sizes.append(stream._samples.size + stream._frames.size)
    assert max(sizes) <= 15_600 + 16_000 + 96 * 64


@given(st.lists(st.integers(0, 10), max_size=20), st.integers(1, 7))
def test_batches_keep_the_order_and_fill_up(lengths, size):
    numbers = np.arange(sum(lengths))
    result = list(batches(np.split(numbers, np.cumsum(lengths)[:-1]) if lengths else [], size))
    assert np.concatenate([np.zeros(0), *result]).tolist() == numbers.tolist()
    assert all(len(batch) == size for batch in result[:-1])


def test_the_next_item_is_made_while_the_caller_works_on_this_one():
    made = [threading.Event() for _ in range(3)]

    def items():
        for number, event in enumerate(made):
            event.set()
            yield number

    for number in prefetched(items()):
        assert made[min(number + 1, 2)].wait(10)


def test_an_error_comes_after_the_items_before_it():
    def items():
        yield 1
        raise KeyError("bad")

    result = prefetched(items())
    assert next(result) == 1
    with pytest.raises(KeyError, match="bad"):
        next(result)


def test_no_thread_is_left_when_the_caller_stops():
    result = prefetched(iter(range(1_000)))
    assert next(result) == 0
    result.close()
    assert not [thread for thread in threading.enumerate() if "prefetch" in thread.name]
