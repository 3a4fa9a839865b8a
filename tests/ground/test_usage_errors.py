"""Wrong arguments: every public function answers them with a UsageError, in one line.

Words are found by themselves: each public parameter that is annotated with a Literal is called with
a word that is none of its choices. All else is in a table.
"""

import ast
import importlib
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator
from functools import partial

import keras
import numpy as np
import pytest
import small_network

import vggish_tf
from vggish_tf import Postprocessor, audio, checkpoints, formats, jobs
from vggish_tf.errors import AudioError, UsageError
from vggish_tf.frontend import framing, layers
from vggish_tf.jobs import finetune
from vggish_tf.network import backbone, heads, postprocess

pytestmark = pytest.mark.usefixtures("small_networks")

DOORS = [
    vggish_tf,
    audio,
    checkpoints,
    *(getattr(formats, name) for name in formats.__all__),
    *(getattr(jobs, name) for name in [*jobs.__all__, *jobs._BEFORE]),
    *(framing, layers, heads, postprocess),
]
WORD = "sometimes"


def public(module: types.ModuleType) -> Iterator[tuple[str, Callable, type | None]]:
    """The functions, classes and methods of a module that users call: name, callable, its class."""
    for name in getattr(module, "__all__", vars(module)):
        value = getattr(module, name)
        ours = str(getattr(value, "__module__", "")).startswith("vggish_tf")
        elsewhere = not hasattr(module, "__all__") and ours and value.__module__ != module.__name__
        if name.startswith("_") or not ours or elsewhere or not callable(value):
            continue
        yield name, value, None
        for method, function in vars(value).items() if inspect.isclass(value) else ():
            if inspect.isfunction(function) and not method.startswith("_"):
                yield f"{name}.{method}", function, value


def choices_of(call: Callable) -> dict[str, tuple]:
    """Parameter → its words, of all parameters that take these words and nothing else but None."""
    function = call.__init__ if inspect.isclass(call) else call
    if not inspect.isfunction(function):
        return {}
    names = for_type_checkers(importlib.import_module(function.__module__))
    hints = typing.get_type_hints(function, localns=names)
    found = {name: tuple(values_of(hint)) for name, hint in hints.items() if name != "return"}
    return {
        name: values
        for name, values in found.items()
        if values != (None,) and all(value is None or isinstance(value, str) for value in values)
    }


def values_of(hint) -> Iterator:
    """The values of Literal["a", "b"] | None; a type for all of its values."""
    if typing.get_origin(hint) is typing.Literal:
        yield from typing.get_args(hint)
    elif typing.get_origin(hint) in (typing.Union, types.UnionType):
        for part in typing.get_args(hint):
            yield from values_of(part)
    else:
        yield None if hint is type(None) else hint


def for_type_checkers(module: types.ModuleType) -> dict:
    """The imports of a module under `if TYPE_CHECKING`, which its annotations name as strings."""
    names: dict = {}
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            exec(ast.unparse(ast.Module(node.body, [])), names)
    return names


def fault(call: Callable, name: str, choices: tuple) -> str:
    """The fault in the answer to a wrong word; "" if there is none."""
    try:
        with_required(call)(**{name: WORD})
    except UsageError as error:
        said = str(error)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    else:
        return "no error"
    missing = [each for each in map(repr, choices) if each not in said]
    right = re.fullmatch(rf"{name} must be .*; received '{WORD}'\..*", said)  # and one line
    return "" if right and not missing else said


def with_required(call: Callable) -> Callable:
    """The call with some value for each required argument: words are checked before those."""
    empty = inspect.Parameter.empty
    required = {
        name: "nowhere"
        for name, parameter in inspect.signature(call).parameters.items()
        if parameter.default is empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    }
    return lambda **options: call(**{**required, **options})


def found() -> Iterator[tuple[str, tuple[Callable, str, tuple]]]:
    for module in DOORS:
        for place, function, owner in public(module):
            for name, choices in choices_of(function).items():
                # a method of an object that nobody has set up: words are looked at before it
                call = partial(function, object.__new__(owner)) if owner else function
                yield f"{module.__name__}.{place}({name})", (call, name, choices)


FOUND = dict(found())


@pytest.mark.parametrize(("call", "name", "choices"), FOUND.values(), ids=FOUND)
def test_an_unknown_word_is_a_usage_error(call, name, choices, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert fault(call, name, choices) == ""


def test_words_are_found_in_every_kind_of_annotation():
    """Plain, beside None, under another name, as a string under TYPE_CHECKING, of a method."""
    expected = {
        "vggish_tf.VGGish(inputs)": ("waveform", "examples"),
        "vggish_tf.jobs.finetune.dataset(class_weight)": ("balanced", None),
        "vggish_tf.VGGish(postprocess)": ("pca", "quantized", None),
        "vggish_tf.jobs.export.export(pad)": ("never", "short", "always", None),
        "vggish_tf.jobs.finetune.Dataset.batches(split)": finetune.clips.SPLITS,
    }
    assert {place: FOUND[place][2] for place in expected} == expected


Pad = typing.Literal["never", "always"]


def not_checked(pad: Pad = "never"): ...


def another_error(pad: Pad = "never"):
    raise ValueError(f"pad must be 'never' or 'always'; received {pad!r}.")


def other_words(pad: Pad = "never"):
    raise UsageError(f"pad must be 'never'; received {pad!r}.")


def without_its_name(pad: Pad = "never"):
    raise UsageError(f"it must be 'never' or 'always'; received {pad!r}.")


def too_late(path, pad: Pad = "never"):
    raise FileNotFoundError(path)


def two_lines(pad: Pad = "never"):
    raise UsageError(f"pad must be 'never' or 'always'; received {pad!r}.\nGive one of them.")


@pytest.mark.parametrize(
    "call", [not_checked, another_error, other_words, without_its_name, too_late, two_lines]
)
def test_the_test_above_can_fail(call):
    assert choices_of(call) == {"pad": ("never", "always")}
    assert fault(call, "pad", choices_of(call)["pad"])


def classifier(**options):
    return finetune.classifier(**{"num_classes": 2, "weights": None, **options})


def train(model, **options):
    return finetune.train(model, object(), "nowhere", **options)


def that_whitens() -> keras.Model:
    network = backbone.network()
    return keras.Model(network.input, Postprocessor(weights=None)(network.output))


def record():
    return formats.tfrecord.Record(np.zeros((1, 127), np.uint8))


OTHERS = [  # what no Literal says: words of a growing list, numbers, contradictions, arrays
    (lambda: checkpoints.fetch(WORD), "name must be 'audioset' or 'audioset_pca'"),
    (lambda: jobs.export.export(None, "m", format=WORD), "format must be 'saved_model', 'froz"),
    (lambda: jobs.export.export(None, "m", precision=WORD), "precision must be 'float32' or 'b"),
    (lambda: jobs.export.export(None, "m", fixed_shape=1), "the format 'saved_model' takes any"),
    (lambda: finetune.run("nowhere", "m.keras", augment=[WORD]), "augment must be 'gain', 'shift'"),
    (lambda: finetune.run("nowhere", "m.keras", epochs=0), "epochs must be a whole number from 1"),
    (lambda: finetune.run("nowhere", "m.keras", patience=0), "patience must be a whole number"),
    (lambda: finetune.run("nowhere", "m.keras", seed=-1), "seed must be a whole number from 0"),
    (lambda: finetune.run("nowhere", "m.h5"), "cannot write m.h5: its name must end in .keras"),
    (lambda: finetune.dataset("nowhere", batch_size=0), "batch_size must be a whole number from 1"),
    (lambda: finetune.dataset("nowhere", seed=0.5), "seed must be a whole number from 0"),
    (lambda: finetune.dataset("nowhere", max_unreadable=2), "max_unreadable must be from 0 to 1"),
    (lambda: finetune.dataset("sounds", test=0.9), "validation and test must be shares of 1"),
    (lambda: classifier(num_classes=1), "num_classes must be a whole number from 2; received 1"),
    (lambda: classifier(labels=["a", "a"]), "labels must be 2 different names"),
    (lambda: classifier(hidden=[0]), "hidden must be a whole number from 1; received 0"),
    (lambda: classifier(dropout=1.0), "dropout must be from 0 to under 1; received 1.0"),
    (lambda: classifier(learning_rate=0), "learning_rate must be positive; received 0"),
    (lambda: classifier(backbone_learning_rate=-1), "backbone_learning_rate must be positive"),
    (lambda: classifier(params=vggish_tf.Params(sample_rate=-1)), "sample_rate must be positive"),
    (
        lambda: train(small_network.classifier(pool=None)),
        "a classifier with pool=None scores every example",
    ),
    (lambda: train(small_network.classifier(), epochs=0), "epochs must be a whole number from 1"),
    (
        lambda: finetune.cached(None, small_network.classifier(trainable="fc"), "embedding"),
        "embeddings cannot be cached",
    ),
    (lambda: vggish_tf.Embedder(None, batch_size=0), "batch_size must be a whole number from 1"),
    (lambda: vggish_tf.Embedder(None, batch_size=True), "batch_size must be a whole number from 1"),
    (lambda: vggish_tf.Embedder(that_whitens()), "the model 'functional' has a post-processing"),
    (lambda: vggish_tf.Resample(0), "input_rate must be a positive whole number"),
    (lambda: vggish_tf.dequantize(np.zeros(3)), "quantized must be uint8; received float64 (3,)"),
    (lambda: next(audio.read_blocks("nowhere", 16_000, 0)), "block_seconds must be a positive"),
    (lambda: jobs.classify.classify_files(None, [], top=0), "top must be a whole number from 1"),
    (lambda: jobs.pictures.save(None, "picture.bmp"), "cannot write a picture as 'picture.bmp'"),
    (lambda: formats.tfrecord.write("r", [record()]), "a record holds (n, 128) uint8; received"),
]


@pytest.mark.parametrize(("call", "words"), OTHERS, ids=[words for _, words in OTHERS])
def test_every_other_wrong_argument_is_one_too(call, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a/1.wav", "b/1.wav"):
        path = tmp_path / "sounds" / name
        path.parent.mkdir(parents=True)
        path.touch()
    with pytest.raises(UsageError) as error:
        call()
    assert str(error.value).startswith(words)
    assert "\n" not in str(error.value)


def test_audio_is_not_an_argument_of_this_kind():
    """Arrays that are no waveforms raise AudioError, of layers and models too."""
    for call in (vggish_tf.StftMagnitude(), vggish_tf.WaveformToExamples(), vggish_tf.VGGish(None)):
        for waveform in (np.zeros((1, 16_000), np.int16), [np.zeros(3), np.zeros(4)]):
            if isinstance(call, keras.Model) and not isinstance(waveform, list):
                continue  # Keras makes floats of integers before any layer sees them
            with pytest.raises(AudioError, match=r"must (be floating point|have one length)"):
                call(waveform)
