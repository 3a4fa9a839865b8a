"""Which settings of two provenances differ: each by its own name, and weights by their values."""

import pytest

from vggish_tf.formats.provenance import differences

FOUND = {
    "vggish_tf": "0.1.0",
    "weights": {"asked": "audioset", "path": "/a/vggish_model.ckpt", "values_sha256": "ab"},
    "params": {"mel_min_hz": 125, "mel_max_hz": 7500},
    "pad": "short",
    "pool": None,
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"pad": "never"}, [("pad", "short", "never")]),
        ({"params": {"mel_min_hz": 125, "mel_max_hz": 8e3}}, [("params.mel_max_hz", 7500, 8e3)]),
        ({"params": {"mel_min_hz": 125}}, [("params.mel_max_hz", 7500, None)]),
        ({"weights": {**FOUND["weights"], "values_sha256": "cd"}}, [("weights", "ab", "cd")]),
        ({"weights": {"asked": "copy.npz", "values_sha256": "ab"}}, []),
        ({"weights": None}, [("weights", "ab", None)]),
        ({"vggish_tf": "0.2.0", "audio": "a.wav"}, []),
        ({"computed": {"engine": "openvino 2026.4", "convolutions": "direct"}}, []),
        ({"pool": "mean", "pad": "never"}, [("pad", "short", "never"), ("pool", None, "mean")]),
        ({"resampler": "soxr HQ"}, [("resampler", None, "soxr HQ")]),
    ],
)
def test_each_setting_that_differs_has_both_values(changes, expected):
    assert differences(FOUND, {**FOUND, **changes}) == expected
    turned = [(name, theirs, ours) for name, ours, theirs in expected]
    assert differences({**FOUND, **changes}, FOUND) == turned
