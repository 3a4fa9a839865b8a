"""Every class that the package registers with Keras × every contract that Keras has for its kind.

What is registered is asked of Keras; tests/helpers/registered.py has how each is made and used.
"""

import inspect
import json

import keras
import numpy as np
import pytest
import registered
import tensorflow as tf
from registered import CASES, joined, use

from vggish_tf.network.backbone import FoldExamples, UnfoldExamples

# One kernel or another may be chosen for another shape; the largest difference seen is 2 float32
# steps.
CLOSE = {"rtol": 3e-7, "atol": 1e-6}
# A network of nine layers, in parts of the largest value.
NETWORK_RTOL = 1e-5
# Those that are a part of the network, and half as wide where it is.
FOLLOW_THE_POLICY = ("FoldExamples", "UnfoldExamples", "PoolExamples")
# Their output depends on sizes that the network and the front end know beforehand.
KNOW_ALL_BUT_THE_BATCH = ("UnfoldExamples", "SpecAugment")
NOT_A_NUMBER_OUT = {
    "Postprocessor 0": "uint8",
    "SoundingExamples 0": "bool",
    "SoundingExamples 1": "bool",
}


def names_of(*kinds) -> list[str]:
    """The cases of some kinds: layers and models, losses …"""
    found = registered.classes()
    return [name for name in CASES if issubclass(found[name.split()[0]], kinds)]


LAYERS = names_of(keras.Layer)
OTHERS = names_of(keras.Loss, keras.Metric, keras.Optimizer)


def test_all_that_is_registered_has_a_recipe():
    assert registered.faults() == []


@pytest.mark.parametrize("base", [keras.layers.Layer, keras.losses.Loss, keras.optimizers.SGD])
def test_a_class_without_a_recipe_fails_the_test_above(base):
    new = keras.saving.register_keras_serializable(package="vggish_tf")(type("Dummy", (base,), {}))
    try:
        (fault,) = registered.faults()
    finally:
        del keras.saving.get_custom_objects()[keras.saving.get_registered_name(new)]
    assert fault.startswith(
        "Dummy is registered and has no recipe: add to RECIPES in tests/helpers"
    )
    assert registered.faults() == []


def test_a_recipe_of_no_class_fails_it_too(monkeypatch):
    monkeypatch.setitem(registered.RECIPES, "Dummy", [])
    (fault,) = registered.faults()
    assert fault.startswith("Dummy has a recipe and is not registered: take it out")


def test_every_case_is_of_a_kind_with_contracts():
    assert sorted(LAYERS + OTHERS) == sorted(CASES)


@pytest.fixture(params=CASES)
def case(request):
    """Of all kinds."""
    make, inputs = CASES[request.param]
    return make(), inputs


@pytest.fixture(params=LAYERS)
def layer_case(request):
    make, inputs = CASES[request.param]
    return make(), inputs


def arrays(inputs) -> list[np.ndarray]:
    """The inputs, be it one or several."""
    return list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]


def like(inputs, values):
    """Values in the place of the inputs: one, or a list."""
    return list(values) if isinstance(inputs, (list, tuple)) else next(iter(values))


def as_in_training(thing) -> dict[str, bool]:
    """The option under which what is random draws."""
    return {"training": True} if "seed" in thing.get_config() else {}


# All kinds


def test_it_is_registered_under_the_package(case):
    name = keras.saving.get_registered_name(type(case[0]))
    assert name == f"vggish_tf>{type(case[0]).__name__}"


def test_the_config_has_every_argument(case):
    """Of the class's own and its bases' here; but `weights`, which become the variables."""
    ours = [kind for kind in type(case[0]).__mro__ if kind.__module__.startswith("vggish_tf.")]
    names = {
        argument.name
        for kind in ours
        for argument in inspect.signature(vars(kind).get("__init__", lambda: 0)).parameters.values()
        if argument.kind.name[:3] != "VAR"
    }
    assert names - {"self", "weights"} <= case[0].get_config().keys()


def test_the_config_survives_json(case):
    thing, inputs = case
    config = json.dumps(thing.get_config())
    twin = type(thing).from_config(json.loads(config))
    assert json.dumps(twin.get_config()) == config
    check_twin(twin, thing, inputs)


def test_it_is_serialized_and_deserialized(case):
    thing, inputs = case
    written = json.loads(json.dumps(keras.saving.serialize_keras_object(thing)))
    twin = keras.saving.deserialize_keras_object(written)
    assert type(twin) is type(thing)
    check_twin(twin, thing, inputs)


def check_close(found, expected, thing):
    network = isinstance(thing, keras.Model)
    largest = np.abs(expected).max() if network else None
    close = {"rtol": 0, "atol": NETWORK_RTOL * largest} if network else CLOSE
    np.testing.assert_allclose(found, expected, **close)


def check_twin(twin, thing, inputs):
    """The same comes out, from the same weights."""
    if isinstance(thing, keras.Model):
        twin.set_weights(thing.get_weights())
    options = as_in_training(thing)
    found, expected = use(twin, inputs, **options)(), use(thing, inputs, **options)()
    np.testing.assert_array_equal(found, expected)


@pytest.mark.thorough
@pytest.mark.parametrize("compiler", [{}, {"jit_compile": True}], ids=["graph", "XLA"])
def test_eager_is_graph(case, compiler):
    thing, inputs = case
    graph = tf.function(use(thing, inputs), **compiler)()
    if isinstance(thing, keras.Optimizer):  # which goes on from where it is
        thing = type(thing).from_config(thing.get_config())
    check_close(graph, use(thing, inputs)(), thing)


# Layers and models


def test_a_keras_file_restores_it(layer_case, tmp_path):
    layer, inputs = layer_case
    sources = [keras.Input(array.shape[1:], dtype=array.dtype) for array in arrays(inputs)]
    model = keras.Model(like(inputs, sources), joined(layer(like(inputs, sources))))
    generator = np.random.default_rng(0)
    for variable in model.trainable_variables:
        variable.assign(generator.normal(0, 0.1, variable.shape))
    model.save(tmp_path / "layer.keras")
    loaded = keras.saving.load_model(tmp_path / "layer.keras")
    np.testing.assert_array_equal(loaded(inputs), use(layer, inputs)())


@pytest.mark.thorough
def test_unknown_sizes_and_tf_data_change_nothing(layer_case):
    layer, inputs = layer_case
    eager = np.asarray(use(layer, inputs)())
    specs = [tf.TensorSpec(with_unknown(layer, array), array.dtype) for array in arrays(inputs)]
    call = tf.function(lambda *tensors: joined(layer(like(inputs, tensors))), input_signature=specs)
    check_close(call(*arrays(inputs)), eager, layer)
    dataset = tf.data.Dataset.from_tensors(tuple(arrays(inputs)))
    mapped = dataset.map(lambda *tensors: joined(layer(like(inputs, tensors))))
    check_close(next(iter(mapped)), eager, layer)


def with_unknown(layer, array) -> list[int | None]:
    """The shape of an input, with None for what need not be known."""
    if isinstance(layer, keras.Model):
        return list(layer.input_shape)
    if type(layer).__name__ in KNOW_ALL_BUT_THE_BATCH:
        return [None, *array.shape[1:]]
    return [None] * (array.ndim - 1) + [array.shape[-1]]


def test_a_batch_is_its_rows(layer_case):
    layer, inputs = layer_case
    batch = np.asarray(use(layer, inputs)())
    assert len(batch) == 3
    assert np.any(batch[0] != batch[1])
    for index, row in enumerate(batch):
        one = like(inputs, (array[index : index + 1] for array in arrays(inputs)))
        check_close(np.asarray(use(layer, one)())[0], row, layer)


def test_the_symbolic_shape_and_dtype_are_the_real_ones(layer_case):
    layer, inputs = layer_case
    sources = [keras.Input(batch_shape=a.shape, dtype=a.dtype) for a in arrays(inputs)]
    symbolic, real = use(layer, like(inputs, sources))(), use(layer, inputs)()
    assert all(said in (None, size) for said, size in zip(symbolic.shape, real.shape, strict=True))
    assert symbolic.shape[1:] == tuple(real.shape[1:])
    assert symbolic.dtype == keras.backend.standardize_dtype(real.dtype)


def test_a_length_that_is_not_known_stays_unknown(layer_case):
    layer, inputs = layer_case
    sources = [
        keras.Input(batch_shape=with_unknown(layer, array), dtype=array.dtype)
        for array in arrays(inputs)
    ]
    symbolic, real = use(layer, like(inputs, sources))(), use(layer, inputs)()
    assert symbolic.shape[0] is None
    assert all(said in (None, size) for said, size in zip(symbolic.shape, real.shape, strict=True))


@pytest.mark.parametrize("name", [name for name in LAYERS if name not in names_of(keras.Model)])
def test_bfloat16_policies_change_nothing_but_the_network(name):
    make, inputs = CASES[name]
    layer = make()
    expected = use(layer, inputs)()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        under_policy = type(layer).from_config({**layer.get_config(), "dtype": "mixed_bfloat16"})
        result = use(under_policy, inputs)()
    finally:
        keras.config.set_dtype_policy("float32")
    if type(layer).__name__ in FOLLOW_THE_POLICY:
        assert result.dtype == tf.bfloat16
    else:
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("name", [name for name in LAYERS if name not in NOT_A_NUMBER_OUT])
def test_gradients_are_finite_at_zero(name):
    make, inputs = CASES[name]
    layer = make()
    zeros = [
        tf.Variable(np.zeros_like(array)) if array.dtype.kind == "f" else tf.constant(array)
        for array in arrays(inputs)
    ]
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(joined(layer(like(inputs, zeros))))
    (gradient, *_) = tape.gradient(total, zeros)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", NOT_A_NUMBER_OUT)
def test_what_is_no_number_has_no_gradient(name):
    make, inputs = CASES[name]
    assert make()(inputs).dtype.name == NOT_A_NUMBER_OUT[name]


def test_fold_and_unfold_are_inverse():
    examples = registered.positive(2, 3, 96, 64)
    folded = FoldExamples()(examples)
    assert folded.shape == (6, 96, 64, 1)
    np.testing.assert_array_equal(
        UnfoldExamples()([folded, examples]), examples.reshape(2, 3, 96 * 64)
    )
    nothing = np.zeros((2, 0, 96, 64), np.float32)
    folded = FoldExamples()(nothing)
    assert folded.shape == (1, 96, 64, 1)
    assert UnfoldExamples()([folded, nothing]).shape == (2, 0, 96 * 64)


# Losses, metrics, optimizers


@pytest.mark.parametrize("name", names_of(keras.Loss, keras.Metric))
def test_a_batch_is_the_mean_of_its_rows(name):
    make, (targets, scores) = CASES[name]
    thing = make()
    rows = [use(thing, (targets[i : i + 1], scores[i : i + 1]))() for i in range(3)]
    assert len(np.unique(rows)) > 1
    np.testing.assert_allclose(use(thing, (targets, scores))(), np.mean(rows), **CLOSE)


@pytest.mark.thorough
@pytest.mark.parametrize("name", OTHERS)
def test_a_compiled_keras_file_goes_on_with_it(name, tmp_path):
    make, _ = CASES[name]
    part = {keras.Loss: "loss", keras.Optimizer: "optimizer"}
    thing = make()
    own = next((word for kind, word in part.items() if isinstance(thing, kind)), "metrics")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "softmax", name="conv1")])
    model.compile(
        **{"optimizer": "sgd", "loss": "mse", own: [thing] if own == "metrics" else thing}
    )
    inputs, targets = registered.normal(3, 3), np.eye(4, dtype=np.float32)[[0, 2, 1]]
    model.train_on_batch(inputs, targets)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    model.reset_metrics()  # some versions of Keras save their state, and others do not
    loaded.reset_metrics()
    measures = [one.train_on_batch(inputs, targets) for one in (model, loaded)]
    np.testing.assert_allclose(*measures, **CLOSE)
    np.testing.assert_allclose(*(one.get_weights()[0] for one in (model, loaded)), **CLOSE)
