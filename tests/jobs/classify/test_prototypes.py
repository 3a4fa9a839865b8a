"""Files of prototypes: read as the page writes them, written as the page reads them, refused in one
line.
"""

import dataclasses
import json
import os

import numpy as np
import pytest

from vggish_tf import Params
from vggish_tf.errors import UsageError, VGGishError
from vggish_tf.jobs.classify import Prototypes, is_prototypes
from vggish_tf.weights.identity import Identity

UNIT = [1] + [0] * 127  # a page writes whole numbers so
PAGE = {  # the contract with the page, written out
    "format": "vggish_tf prototypes",
    "version": 1,
    "weights": {
        "asked": "audioset",
        "values_sha256": "0123456789abcdef" * 4,
        "untrained": False,
        "path": "/cache/vggish_model.ckpt",
        "md5": None,
        "sha256": None,
        "published": False,
    },
    "params": {
        "sample_rate": 16000,
        "stft_window_seconds": 0.025,
        "stft_hop_seconds": 0.01,
        "mel_min_hz": 125,
        "mel_max_hz": 7500,
        "num_mel_bins": 64,
        "log_offset": 0.01,
        "example_window_seconds": 0.96,
        "example_hop_seconds": 0.48,
    },
    "precision": "int8",
    "prototypes": [
        {"label": "Hündin 🐕", "examples": 6, "embedding": UNIT},
        {"label": "cat", "examples": 1, "embedding": [-1e-7, *[0.0625] * 127]},
    ],
}


def written(path, content) -> Prototypes:
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return Prototypes.read(path)


def changed(*keys, value):
    """The page's file with one value changed; `...` takes it away."""
    found = json.loads(json.dumps(PAGE))
    holder = found
    for key in keys[:-1]:
        holder = holder[key]
    holder[keys[-1]] = value
    if value is ...:
        del holder[keys[-1]]
    return found


def refusal(path) -> str:
    with pytest.raises(VGGishError) as caught:
        Prototypes.read(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert len(message) < 600
    return message


def test_a_file_of_the_page_is_read(tmp_path):
    found = written(tmp_path / "a.json", PAGE)
    assert found.labels == ("Hündin 🐕", "cat")
    assert found.examples == (6, 1)
    assert found.precision == "int8"
    assert found.weights == Identity(**PAGE["weights"])
    assert found.params == Params(example_hop_seconds=0.48)
    expected = [row["embedding"] for row in PAGE["prototypes"]]
    np.testing.assert_array_equal(found.embedding, expected)
    assert found.embedding.dtype == np.float64


def test_what_is_read_and_saved_is_the_page_s_file_again(tmp_path):
    written(tmp_path / "a.json", PAGE).save(tmp_path / "b.json")
    assert json.loads((tmp_path / "b.json").read_text(encoding="utf-8")) == PAGE


def test_numbers_come_back_to_the_last_bit(tmp_path):
    rows = np.random.default_rng(0).normal(0, 0.05, (3, 128))
    identity = Identity(**PAGE["weights"])
    Prototypes("abc", rows, [1, 2, 3], identity, precision="bfloat16").save(tmp_path / "a.json")
    found = Prototypes.read(tmp_path / "a.json")
    np.testing.assert_array_equal(found.embedding, rows)
    assert (found.examples, found.precision, found.params) == ((1, 2, 3), "bfloat16", Params())


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\n \t"], ids=["plain", "BOM", "space"])
def test_prototypes_are_known_by_their_content_whatever_their_name(mark, tmp_path):
    path = tmp_path / "prototypes.json.txt"
    path.write_bytes(mark + json.dumps(PAGE).encode())
    assert is_prototypes(path)
    assert Prototypes.read(path).labels == ("Hündin 🐕", "cat")
    (tmp_path / "a.keras").write_bytes(b"PK\x03\x04")
    assert not is_prototypes(tmp_path / "a.keras")


def test_weights_whose_name_is_no_utf_8_come_back(tmp_path):
    name = os.fsdecode(b"caf\xe9.ckpt")
    written(tmp_path / "p.json", changed("weights", "path", value=name)).save(tmp_path / "q.json")
    assert Prototypes.read(tmp_path / "q.json").weights.path == name


def test_fields_of_a_later_page_are_left_alone(tmp_path):
    assert written(tmp_path / "a.json", {**PAGE, "made": "2027-01-01"}).labels


ROW = ("prototypes", 1)
FAULTS = [
    (("format",), "vggish_tf manifest", "its format is 'vggish_tf manifest'"),
    (("format",), ..., "its format is None"),
    (("version",), 2, "has version 2 of the format of prototypes; this vggish_tf reads version 1"),
    (("version",), True, "has version True"),
    (("version",), ..., "has version None"),
    (("weights",), None, "weights must be an object; received None"),
    (("weights",), ..., "weights must be an object"),
    (("weights", "asked"), ..., "weights.asked must be a text"),
    (("weights", "asked"), 7, "weights.asked must be a text; received 7"),
    (("weights", "asked"), " ", "the name of the weights must be a text of 1 to 4,096 characters"),
    (("weights", "values_sha256"), "ab", "weights.values_sha256 must be 64 hexadecimal digits"),
    (("weights", "values_sha256"), "A" * 64, "64 hexadecimal digits"),
    (("weights", "values_sha256"), ..., "weights.values_sha256 must be a text"),
    (("weights", "untrained"), ..., "weights.untrained must be true or false"),
    (("weights", "untrained"), 0, "weights.untrained must be true or false; received 0"),
    (("weights", "published"), "yes", "weights.published must be true or false"),
    (("weights", "path"), [], "weights.path must be a text or null"),
    (("params",), [], "params must be an object"),
    (("params", "log_offset"), ..., "received one that differs in ['log_offset']"),
    (("params", "hop"), 1, "received one that differs in ['hop']"),
    (("params", "log_offset"), "0.01", "log_offset must be a number"),
    (("params", "sample_rate"), True, "sample_rate must be a number"),
    (("params", "mel_max_hz"), 9000, "mel_max_hz must be at most 8000"),
    (("params", "example_window_seconds"), 3600, "must be (96, 64); received (360000, 64)"),
    (("params", "num_mel_bins"), 32, "must be (96, 64); received (96, 32)"),
    (("precision",), 8, "precision must be a text; received 8"),
    (("prototypes",), {}, "prototypes must be a list"),
    (("prototypes",), [], "labels must be one or more; received ()"),
    (("prototypes",), ["dog"], "prototypes[0] must be an object; received 'dog'"),
    ((*ROW, "label"), ..., "prototypes[1].label must be a text"),
    ((*ROW, "label"), 1, "prototypes[1].label must be a text"),
    ((*ROW, "label"), "", "a label must be a text of 1 to 4,096 characters"),
    ((*ROW, "label"), "\u3000", "a label must be a text"),
    ((*ROW, "label"), "a\nb", "a label must be a text"),
    ((*ROW, "label"), "\x1b[31m", "a label must be a text"),
    ((*ROW, "label"), "\ud800", "a label must be a text"),
    ((*ROW, "label"), "a\u2028b", "a label must be a text"),
    ((*ROW, "label"), "x" * 4097, "a label must be a text"),
    (
        (*ROW, "label"),
        "Hündin 🐕",
        "labels must be different from each other; received ['Hündin 🐕']",
    ),
    ((*ROW, "examples"), 0, "the number of examples of 'cat' must be 1 or more; received 0"),
    ((*ROW, "examples"), True, "prototypes[1].examples must be a whole number; received True"),
    ((*ROW, "examples"), 1.5, "prototypes[1].examples must be a whole number"),
    ((*ROW, "embedding"), UNIT[:-1], "must be 128 finite numbers; received 127 values"),
    ((*ROW, "embedding"), [*UNIT, 0], "must be 128 finite numbers; received 129 values"),
    ((*ROW, "embedding"), [], "must be 128 finite numbers; received 0 values"),
    ((*ROW, "embedding"), "0" * 128, "prototypes[1].embedding must be a list of 128 numbers"),
    ((*ROW, "embedding"), ["1", *UNIT[1:]], "of which 127 are such numbers"),
    ((*ROW, "embedding"), [None, *UNIT[1:]], "of which 127 are such numbers"),
    ((*ROW, "embedding"), [True, *UNIT[1:]], "of which 127 are such numbers"),
    ((*ROW, "embedding"), [[1], *UNIT[1:]], "of which 127 are such numbers"),
    ((*ROW, "embedding"), [10**400, *UNIT[1:]], "of which 127 are such numbers"),
    ((*ROW, "embedding"), [0] * 128, "the prototype of 'cat' must be over 0 and at most 1"),
    ((*ROW, "embedding"), [1e-200] * 128, "must be over 0 and at most 1"),
    ((*ROW, "embedding"), [0.5] * 128, "received 5.65685424949238"),
]


@pytest.mark.parametrize(("keys", "value", "words"), FAULTS, ids=[words for *_, words in FAULTS])
def test_a_wrong_field_is_refused(keys, value, words, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(changed(*keys, value=value)), encoding="utf-8")
    assert words in refusal(path)


TEXTS = {
    "": "Expecting value: line 1 column 1",
    "{": "Expecting property name",
    "PK\x03\x04": "Expecting value",
    "[]": "its format is []",
    "null": "its format is None",
    json.dumps(PAGE)[:-1]: "Expecting ',' delimiter",
    json.dumps(PAGE).replace("-1e-07", "NaN"): "NaN is not a number",
    json.dumps(PAGE).replace("-1e-07", "-Infinity"): "-Infinity is not a number",
    json.dumps(PAGE).replace("-1e-07", "1e999"): "of which 127 are such numbers",
    json.dumps(PAGE).replace("-1e-07", "9" * 5000): "Exceeds the limit",
    "[" * 100_000: "recursion",
}


@pytest.mark.parametrize(("text", "words"), TEXTS.items(), ids=TEXTS.values())
def test_what_is_no_json_of_prototypes_is_refused(text, words, tmp_path):
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    assert words in refusal(tmp_path / "a.json")


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "a.json").write_bytes(b'{"format": "\xff"}')
    assert "can't decode byte" in refusal(tmp_path / "a.json")


def test_what_is_no_file_or_too_large_is_refused_unread(tmp_path):
    assert "it does not exist" in refusal(tmp_path / "none.json")
    assert "it is not a file" in refusal(tmp_path)
    os.mkfifo(tmp_path / "pipe.json")
    assert "it is not a file" in refusal(tmp_path / "pipe.json")
    with open(tmp_path / "large.json", "wb") as file:
        file.truncate(50 << 30)  # of holes
    assert "it has more than 16,777,216 bytes" in refusal(tmp_path / "large.json")


GIVEN = {
    "labels": ["cat", "dog"],
    "embedding": np.eye(2, 128),
    "examples": [1, 1],
    "weights": Identity("a", "0" * 64, untrained=False),
}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"labels": ["cat"]}, "labels, embedding and examples must be of one number; received (1"),
        ({"examples": [1]}, "must be of one number; received (2, 2, 1)"),
        ({"embedding": np.eye(2, 64)}, "the prototype of 'cat' must be 128 numbers; received (64,"),
        ({"embedding": np.full((2, 128), np.nan)}, "the prototype of 'cat' must be finite numbers"),
        ({"labels": ["cat", 1]}, "a label must be a text"),
    ],
)
def test_wrong_prototypes_cannot_be_made(changes, words):
    with pytest.raises(UsageError) as caught:
        Prototypes(**{**GIVEN, **changes})
    assert words in str(caught.value)


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(UsageError, match=r"its name must end in \.json"):
        Prototypes(**GIVEN).save(tmp_path / "clip.wav")
    with pytest.raises(VGGishError, match="does not exist"):
        Prototypes(**GIVEN).save(tmp_path / "no" / "a.json")
    assert not list(tmp_path.iterdir())


def test_they_cannot_be_changed_after_the_check():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Prototypes(**GIVEN).labels = ["cat", "cat"]
