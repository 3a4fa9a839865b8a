"""The rule by which the network is computed, and every plan against the plain Keras network."""

import keras
import numpy as np
import pytest
import signals
from processor import BFLOAT16_COSINE

from vggish_tf import Embedder, UsageError, VGGish, VGGishError, importing
from vggish_tf.network import plan
from vggish_tf.network.plan import Machine, Plan, suited

AMX = Machine(tensorflow_cpu=True, onednn=True, bfloat16=True)
AVX2 = Machine(tensorflow_cpu=True, onednn=True, bfloat16=False)
NO_ONEDNN = Machine(tensorflow_cpu=True, onednn=False, bfloat16=False)
GPU = Machine(tensorflow_cpu=False, onednn=True, bfloat16=False)  # or JAX, or PyTorch


@pytest.mark.parametrize(
    ("machine", "engine", "precision", "arithmetic", "convolutions"),
    [
        (AMX, "keras", "float32", "float32", "winograd"),
        (AMX, "keras", "bfloat16", "bfloat16", "direct"),
        (AMX, "openvino", "bfloat16", "bfloat16", "direct"),
        (AMX, "onnxruntime", "float32", "float32", "direct"),
        (AVX2, "keras", "float32", "float32", "winograd"),
        (AVX2, "keras", "bfloat16", "float32", "winograd"),
        (AVX2, "openvino", "bfloat16", "float32", "direct"),
        (NO_ONEDNN, "keras", "float32", "float32", "direct"),
        (NO_ONEDNN, "keras", "bfloat16", "float32", "direct"),
        (AMX._replace(onednn=False), "keras", "bfloat16", "float32", "direct"),
        (AMX._replace(onednn=False), "openvino", "bfloat16", "bfloat16", "direct"),
        (GPU, "keras", "float32", "float32", "direct"),
        (GPU, "keras", "bfloat16", "bfloat16", "direct"),
        (GPU, "openvino", "bfloat16", "float32", "direct"),
    ],
)
def test_the_rule(machine, engine, precision, arithmetic, convolutions):
    assert suited(engine, precision, machine) == Plan(engine, arithmetic, convolutions)


@pytest.mark.parametrize(
    ("flags", "asked", "onednn", "bfloat16", "avx512"),
    [
        ("avx2 fma", "", False, False, False),  # TensorFlow's own choice
        ("avx2 fma", "1", True, False, False),
        ("avx2 avx_vnni", "", True, False, False),
        ("avx512f avx512_vnni", "", True, False, True),
        ("avx512f avx512_vnni avx512_bf16", "0", False, True, False),
        ("avx512f avx512_bf16 amx_bf16", "", True, True, True),
        ("avx512f avx512_bf16", "False", False, True, False),
        ("avx512f avx512_bf16", "perhaps", True, True, True),
        ("asimd bf16", "", False, True, False),  # ARM
    ],
)
def test_what_a_processor_can_do(flags, asked, onednn, bfloat16, avx512, monkeypatch, tmp_path):
    info = tmp_path / "cpuinfo"
    name = "Features" if "asimd" in flags else "flags\t"
    info.write_text(f"processor\t: 0\n{name}\t: {flags}\nbugs\t\t: none\n", encoding="utf-8")
    monkeypatch.setattr(plan, "CPUINFO", info)
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", asked)
    assert plan.this_machine()[1:] == (onednn, bfloat16, avx512)


def test_a_system_without_cpuinfo_has_no_bfloat16(monkeypatch, tmp_path):
    monkeypatch.setattr(plan, "CPUINFO", tmp_path / "absent")
    assert not plan.this_machine().bfloat16


def test_onednn_is_asked_for_before_tensorflow_is_imported(monkeypatch):
    monkeypatch.setattr(importing.platform, "machine", lambda: "x86_64")
    for loaded, asked, expected in [(True, None, None), (False, None, "1"), (False, "0", "0")]:
        monkeypatch.setattr(importing.sys, "modules", {"tensorflow": 1} if loaded else {})
        monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
        if asked:
            monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", asked)
        importing.choose_onednn()
        assert importing.os.environ.get("TF_ENABLE_ONEDNN_OPTS") == expected


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Plan("keras", "bfloat16", "winograd"), "goes with engine='keras' and arithmetic="),
        (lambda: Plan("openvino", "float32", "winograd"), "goes with engine='keras'"),
        (lambda: suited("onnxruntime", "bfloat16"), "'onnxruntime' computes in float32 only"),
        (lambda: suited("tensorrt"), "engine must be 'keras', 'openvino' or 'onnxruntime'"),
        (lambda: suited("keras", "float16"), "precision must be 'float32' or 'bfloat16'"),
        (
            lambda: Embedder(None, engine="openvino", plan=Plan()),
            "leave out engine= and precision=",
        ),
        (
            lambda: Embedder(None, plan="winograd"),
            "plan must be a network.plan.Plan; received 'win",
        ),
    ],
)
def test_words_that_do_not_go_together_are_refused(make, message):
    with pytest.raises(UsageError, match=message):
        make()


@pytest.mark.parametrize(("engine", "extra"), [("openvino", "openvino"), ("onnxruntime", "onnx")])
def test_an_engine_that_is_not_installed_is_named(engine, extra, monkeypatch):
    for absent in ({engine}, {"onnx"}, {engine, "onnx"}):
        monkeypatch.setattr(plan, "find_spec", lambda name, absent=absent: name not in absent)
        names = " and ".join(name for name in (engine, "onnx") if name in absent)
        with pytest.raises(VGGishError, match=rf"engine='{engine}' needs {names}\. .*\[{extra}\]"):
            plan.check_installed(engine)


# Every plan against the plain network, on any machine


def engines(arithmetic):
    return [name for name in ("keras", "openvino", "onnxruntime")
            if (name, arithmetic) != ("onnxruntime", "bfloat16")]  # fmt: skip


PLANS = [
    Plan("keras", "float32", "winograd"),
    *(Plan(engine, arithmetic) for arithmetic in ("float32", "bfloat16")
      for engine in engines(arithmetic)),
]  # fmt: skip


def name_of(plan):
    return f"{plan.engine}-{plan.arithmetic}-{plan.convolutions}"


@pytest.fixture(scope="module", params=["sums of zero", "any sums"])
def checkpoint(request, seeded_checkpoint, tmp_path_factory):
    """Seeded weights, whose units' weights sum to zero, the hard case for bfloat16; and He's."""
    if request.param == "sums of zero":
        return seeded_checkpoint
    keras.utils.set_random_seed(0)
    model = VGGish(None, inputs="examples")
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            layer.kernel.assign(keras.initializers.HeNormal(seed=0)(layer.kernel.shape))
            layer.bias.assign(np.full(layer.bias.shape, 0.01, np.float32))
    path = tmp_path_factory.mktemp("he") / "he.weights.h5"
    model.save_weights(path)
    return path


@pytest.fixture(scope="module")
def examples():
    log_mel = Embedder(None).log_mel
    sine = np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000)
    noise = 0.3 * np.random.default_rng(0).standard_normal(16_000)
    sounds = [signals.demo_clip()[: 4 * 16_000], np.zeros(16_000), sine, noise]
    frames = [log_mel(sound.astype(np.float32)) for sound in sounds]
    return np.concatenate([made[: len(made) // 96 * 96].reshape(-1, 96, 64) for made in frames])


@pytest.fixture(scope="module")
def expected(checkpoint, examples):
    return VGGish(checkpoint, inputs="examples").predict(examples, verbose=0)


@pytest.mark.slow
@pytest.mark.parametrize("plan", PLANS, ids=name_of)
def test_every_plan_gives_the_same_rows(plan, checkpoint, examples, expected, monkeypatch):
    monkeypatch.setattr("vggish_tf.network.plan.this_machine", lambda: AMX)
    for name in {"openvino", "onnxruntime"} & {plan.engine}:
        pytest.importorskip(name)
        pytest.importorskip("onnx")
    embedder = Embedder(checkpoint, plan=plan)
    rows = embedder.embed_examples(examples)
    if plan.arithmetic == "float32":
        # each of the two is within 1e-5 of the largest value of a float64 network
        assert np.abs(rows - expected).max() < 2e-5 * np.abs(expected).max()
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(expected, axis=1)
    assert ((rows * expected).sum(axis=1) / lengths).min() >= BFLOAT16_COSINE
    again = Embedder(checkpoint, plan=plan).embed_examples(examples)
    np.testing.assert_array_equal(again, rows)
