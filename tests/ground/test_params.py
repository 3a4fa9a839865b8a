"""Params: the published integers, upstream's roundings, and impossible combinations."""

import json
import math
import warnings
from dataclasses import asdict

import numpy as np
import pytest

from vggish_tf import Params, ParamsError
from vggish_tf.frontend.transforms import mel_matrix


def test_the_published_integers():
    params = Params()
    assert (params.window_length, params.hop_length, params.fft_length) == (400, 160, 512)
    assert (params.num_frames, params.example_hop_frames, params.min_samples) == (96, 96, 15_600)
    assert params.empty_mel_bins == ()


@pytest.mark.filterwarnings("ignore:mel bins")
def test_a_high_rate_rounds_as_upstream_does():
    params = Params(
        sample_rate=250_000,
        stft_window_seconds=0.00625,
        stft_hop_seconds=0.0025,
        example_window_seconds=0.24,
        example_hop_seconds=0.24,
    )
    assert params.window_length == 1562  # 1562.5 rounds to even, as round() does
    assert (params.hop_length, params.fft_length, params.num_frames) == (625, 2048, 96)


@pytest.mark.filterwarnings("ignore:mel bins")
@pytest.mark.parametrize(
    "window_length", [*range(2, 40), 399, 400, 511, 512, 513, 1024, 1562, 2**16, 2**16 + 1]
)
def test_the_fft_length_is_upstreams_next_power_of_two(window_length):
    params = Params(
        sample_rate=16_000, stft_window_seconds=window_length / 16_000, num_mel_bins=1, mel_min_hz=0
    )
    assert params.fft_length == 2 ** int(np.ceil(np.log(window_length) / np.log(2.0)))


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("mel_max_hz", {"mel_max_hz": 8000.1}),
        ("mel_max_hz", {"sample_rate": 14_999}),
        ("mel_min_hz", {"mel_min_hz": 7500}),
        ("mel_min_hz", {"mel_min_hz": -1}),
        ("stft_hop_seconds", {"stft_hop_seconds": 0.49 / 16_000}),
        ("stft_window_seconds", {"stft_window_seconds": 0.49 / 16_000}),
        ("example_hop_seconds", {"example_hop_seconds": 0.004}),
        ("example_window_seconds", {"example_window_seconds": 0.004}),
        ("num_mel_bins", {"num_mel_bins": 0}),
        ("num_mel_bins", {"num_mel_bins": 63.5}),
        ("log_offset", {"log_offset": 0.0}),
        ("sample_rate", {"sample_rate": math.nan}),
        ("sample_rate", {"sample_rate": "16000"}),
        ("sample_rate", {"sample_rate": True}),
        ("mel_max_hz", {"mel_max_hz": math.inf}),
        ("sample_rate", {"sample_rate": 10**400}),
        ("stft_window_seconds", {"stft_window_seconds": 100.0}),
        ("num_mel_bins", {"num_mel_bins": 10**9}),
        ("example_window_seconds", {"example_window_seconds": 1e9}),
    ],
)
def test_an_impossible_combination_names_the_field(field, changes):
    with pytest.raises(ParamsError, match=f"^{field} "):
        Params(**changes)


def test_the_edges_of_what_is_possible():
    assert Params(mel_max_hz=8000).mel_max_hz == 8000
    assert Params(mel_min_hz=0).mel_min_hz == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert Params(stft_hop_seconds=0.51 / 16_000).hop_length == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"sample_rate": 250_000, "stft_window_seconds": 0.00625},
        {"stft_window_seconds": 0.004},
        {"num_mel_bins": 200},
    ],
)
def test_empty_mel_bins_are_the_empty_columns_and_are_named(changes):
    with pytest.warns(UserWarning, match="mel bins") as caught:
        params = Params(**changes)
    columns = np.flatnonzero(mel_matrix(params).sum(axis=0) == 0)
    assert len(columns) > 0
    assert params.empty_mel_bins == tuple(columns)
    assert f"mel bins {', '.join(map(str, columns))} hold no FFT bin" in str(caught[0].message)
    assert caught[0].filename == __file__


def test_a_small_change_is_said_exactly():
    assert Params(mel_max_hz=7500.001).changes(Params()) == "mel_max_hz=7500.001"


def test_params_are_frozen_to_the_bottom():
    with pytest.raises(AttributeError):
        Params().sample_rate = 8000
    with pytest.raises(ValueError, match="read-only"):
        Params().mel_edges[0] = 0


def test_numbers_of_other_types_are_taken_as_what_they_are():
    params = Params(sample_rate=np.int64(16_000), num_mel_bins=64.0, log_offset=np.float32(0.5))
    assert params == Params(log_offset=0.5)
    assert json.loads(json.dumps(asdict(params))) == asdict(params)
    assert mel_matrix(params).shape == (257, 64)
