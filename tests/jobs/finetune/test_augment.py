"""Augmentations: the identity outside training, their specification inside, padding, seeds."""

import keras
import numpy as np
import pytest

from vggish_tf.frontend.framing import clip_lengths
from vggish_tf.jobs import finetune

LENGTHS = [16_000, 9_000, 20_000, 1]


@pytest.fixture
def waveforms():
    batch = np.zeros((len(LENGTHS), 20_000), np.float32)
    for row, length in enumerate(LENGTHS):
        batch[row, :length] = np.random.default_rng(row).normal(0, 0.1, length)
    return batch


def run(layer, inputs):
    return keras.tree.map_structure(np.asarray, layer(inputs, training=True))


@pytest.mark.parametrize("name", finetune.AUGMENTATIONS)
def test_inactive_outside_training_and_the_same_by_seed(name, waveforms):
    layer = finetune.AUGMENTATIONS[name]
    inputs = {
        "mixup": [waveforms, np.eye(4, dtype=np.float32)],
        "specaugment": np.random.default_rng(0).normal(size=(2, 3, 96, 64)).astype(np.float32),
    }.get(name, waveforms)
    for before, after in zip(
        keras.tree.flatten(inputs), keras.tree.flatten(layer()(inputs)), strict=True
    ):
        np.testing.assert_array_equal(before, after)
    first, again, other = (
        keras.tree.flatten(run(layer(seed=seed), inputs))[0] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.any(first != other)
    assert np.any(first != keras.tree.flatten(inputs)[0])
    config = keras.saving.serialize_keras_object(layer(seed=5))
    assert (
        keras.saving.serialize_keras_object(keras.saving.deserialize_keras_object(config)) == config
    )


@pytest.mark.parametrize("name", ["gain", "shift", "noise"])
def test_padding_stays_padding(name, waveforms):
    changed = run(finetune.AUGMENTATIONS[name](seed=0), waveforms)
    for row, length in enumerate(LENGTHS):
        assert not changed[row, length:].any()
    assert np.asarray(clip_lengths(changed)).tolist() == LENGTHS


def test_gain_is_one_factor_a_clip_within_its_decibels(waveforms):
    tiled = np.tile(waveforms[:1], (200, 1))
    ratios = run(finetune.RandomGain(6.0, seed=0), tiled)[:, :16_000] / tiled[:, :16_000]
    decibels = 20 * np.log10(ratios)
    # float32 ratios
    np.testing.assert_allclose(decibels, decibels[:, :1].repeat(16_000, 1), atol=1e-4)
    assert -6 <= decibels.min() < -5
    assert 5 < decibels.max() <= 6


def test_shift_turns_the_clip_around(waveforms):
    tiled = np.tile(waveforms[1:2], (50, 1))
    shifts = set()
    for row in run(finetune.RandomShift(0.1, seed=0), tiled):
        sound = waveforms[1, :9_000]
        shift = next(
            s
            for s in range(-1_600, 1_601)
            if row[s % 9_000] == sound[0] and row[(s + 1) % 9_000] == sound[1]
        )
        np.testing.assert_array_equal(row[:9_000], np.roll(sound, shift))
        shifts.add(shift)
    assert len(shifts) > 40
    assert min(shifts) < -1_000
    assert max(shifts) > 1_000


def test_noise_is_at_its_ratio_over_the_clip(waveforms):
    changed = run(finetune.RandomNoise(10.0, 10.0, seed=0), waveforms)
    for row in range(3):
        sound = waveforms[row, : LENGTHS[row]]
        noise = changed[row, : LENGTHS[row]] - sound
        ratio = 10 * np.log10(np.mean(sound**2) / np.mean(noise**2))
        # the power of 9,000 normal numbers is known to 1.5 %, 0.065 dB
        assert ratio == pytest.approx(10, abs=0.4)


def test_noise_leaves_silence(waveforms):
    assert not run(finetune.RandomNoise(seed=0), np.zeros((2, 1_000), np.float32)).any()


def test_mix_up_mixes_clips_and_targets_alike(waveforms):
    targets = np.eye(4, dtype=np.float32)
    mixed, mixed_targets = run(finetune.MixUp(1.0, seed=0), [waveforms, targets])
    np.testing.assert_allclose(mixed_targets.sum(axis=1), 1, rtol=1e-6)
    # float32 sums of values about 0.3
    np.testing.assert_allclose(mixed, mixed_targets @ waveforms, atol=1e-6)
    assert ((mixed_targets > 0.01).sum(axis=1) == 2).any()


def test_spec_augment_blanks_one_stripe_each_way_with_the_mean():
    examples = np.random.default_rng(0).normal(size=(40, 2, 96, 64)).astype(np.float32)
    changed = run(finetune.SpecAugment(24, 12, seed=0), examples)
    widths = []
    for before, after in zip(
        examples.reshape(-1, 96, 64), changed.reshape(-1, 96, 64), strict=True
    ):
        blank = before != after
        frames, mel_bins = blank.all(axis=1), blank.all(axis=0)
        np.testing.assert_array_equal(blank, frames[:, None] | mel_bins[None])
        np.testing.assert_allclose(after[blank], before.mean(), atol=1e-6)
        for stripe in (frames, mel_bins):
            places = np.flatnonzero(stripe)
            assert len(places) == 0 or np.ptp(places) == len(places) - 1, "one stripe"
        widths.append((frames.sum(), mel_bins.sum()))
    assert np.max(widths, axis=0).tolist() == [24, 12]
    assert np.min(widths, axis=0).tolist() == [0, 0]
