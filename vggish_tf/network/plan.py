"""Plan: how the network is computed, chosen by one rule from the abilities of this machine.

    engine        "keras" is Keras's backend: TensorFlow, JAX or PyTorch
    arithmetic    "float32" or "bfloat16", which sums in float32
    convolutions  "direct", or "winograd" with a quarter of the multiplications

All plans give the same embeddings: in float32 within 1e-5 of the largest value, in bfloat16 with a
cosine of at least 0.9995. Nothing is measured when a program starts; docs/performance.md has the
measurements on each kind of processor.
"""

import os
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import keras

from vggish_tf import backend
from vggish_tf.errors import UsageError, VGGishError, check_word, how_to_install

Engine = Literal["keras", "openvino", "onnxruntime"]
Precision = Literal["float32", "bfloat16"]
Convolutions = Literal["direct", "winograd"]

CPUINFO = Path("/proc/cpuinfo")
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}  # the last one is ARM's
# Processors on which TensorFlow uses oneDNN by default. Source: tensorflow/core/util/port.cc.
ONEDNN_FLAGS = {"avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile", "amx_int8", "amx_bf16"}
EXTRAS = {"openvino": "openvino", "onnxruntime": "onnx"}  # both install `onnx` too


@dataclass(frozen=True)
class Plan:
    """The engine, the arithmetic and the convolutions of the network.

    Args:
        engine, arithmetic, convolutions: as above.

    Raises:
        UsageError: a word is unknown, or the words do not go together.

    Example:
        >>> print(Plan("keras", "float32", "winograd").arithmetic)
        float32
    """

    engine: Engine = "keras"
    arithmetic: Precision = "float32"
    convolutions: Convolutions = "direct"

    def __post_init__(self):
        check_word("engine", self.engine, get_args(Engine))
        check_word("arithmetic", self.arithmetic, get_args(Precision))
        check_word("convolutions", self.convolutions, get_args(Convolutions))
        if self.convolutions == "winograd" and (self.engine, self.arithmetic) != (
            "keras",
            "float32",
        ):
            raise UsageError(
                "convolutions='winograd' goes with engine='keras' and arithmetic='float32' only: "
                "bfloat16 would lower the cosine by 1e-3."
            )
        if (self.engine, self.arithmetic) == ("onnxruntime", "bfloat16"):
            raise UsageError(
                "engine='onnxruntime' computes in float32 only. Use engine='openvino' for bfloat16."
            )

    def as_json(self) -> dict[str, str]:
        """The plan as a dictionary that JSON can hold, with the version of the engine."""
        return {**asdict(self), "engine": _described(self.engine)}


class Machine(NamedTuple):
    """The abilities of a machine on which the plan depends.

    Args:
        tensorflow_cpu: whether Keras's backend is TensorFlow, and runs on the CPU.
        onednn: whether TensorFlow uses oneDNN, whose matrix products are twice as fast.
        bfloat16: whether the processor multiplies bfloat16.
        avx512: whether oneDNN has AVX-512 to compute with.
    """

    tensorflow_cpu: bool
    onednn: bool
    bfloat16: bool
    avx512: bool = False


def suited(
    engine: Engine = "keras", precision: Precision = "float32", machine: Machine | None = None
) -> Plan:
    """The plan that suits a machine.

    bfloat16 becomes float32 on a CPU that cannot multiply it, and in TensorFlow without oneDNN:
    float32 is more exact and much faster there. Winograd's convolutions are used for float32 in
    TensorFlow with oneDNN on a CPU; elsewhere they are not faster. JAX, PyTorch and GPUs use the
    given precision, with direct convolutions.

    Args:
        engine, precision: as for Embedder.
        machine: the machine; None is this one.

    Raises:
        UsageError: a word is unknown, or the words do not go together.

    Example:
        >>> suited("keras", "bfloat16", Machine(tensorflow_cpu=True, onednn=True, bfloat16=False))
        Plan(engine='keras', arithmetic='float32', convolutions='winograd')
    """
    _check_words(engine, precision)
    machine = machine or this_machine()
    in_tensorflow = engine == "keras" and machine.tensorflow_cpu
    if engine == "keras" and not in_tensorflow:
        return Plan(engine, precision)
    if precision == "bfloat16" and machine.bfloat16 and (machine.onednn or not in_tensorflow):
        return Plan(engine, "bfloat16")
    return Plan(engine, "float32", "winograd" if in_tensorflow and machine.onednn else "direct")


def possible(plan: Plan, machine: Machine | None = None) -> Plan:
    """The plan that a machine really computes if it is given `plan`.

    Without a warning, OpenVINO uses float32 if the processor cannot multiply bfloat16.

    Example:
        >>> possible(Plan("openvino", "bfloat16"), Machine(True, True, bfloat16=False)).arithmetic
        'float32'
    """
    in_vain = plan.engine == "openvino" and not (machine or this_machine()).bfloat16
    return Plan(plan.engine) if in_vain else plan


def check_asked(engine: Engine, precision: Precision, plan: Plan | None):
    """Raises if the arguments of an Embedder do not go together.

    Raises:
        UsageError: a word is unknown, `plan` is not a Plan, or both a plan and another word are
            given.
    """
    if plan is None:
        _check_words(engine, precision)
    elif not isinstance(plan, Plan):
        raise UsageError(f"plan must be a network.plan.Plan; received {plan!r}.")
    elif (engine, precision) != ("keras", "float32"):
        raise UsageError(
            f"plan={plan} has an engine and an arithmetic: leave out engine= and precision=."
        )


def _check_words(engine: Engine, precision: Precision):
    check_word("precision", precision, get_args(Precision))
    Plan(engine, precision)  # whether they go together, on any machine


def this_machine() -> Machine:
    """The machine that this process runs on."""
    flags = _flags()
    onednn = _has_onednn(flags)
    return Machine(
        backend.on_tensorflow_cpu(),
        onednn,
        bfloat16=bool(flags & BFLOAT16_FLAGS),
        avx512=onednn and "avx512f" in flags,
    )


def check_installed(engine: Engine):
    """Raises if an engine is not installed.

    Raises:
        VGGishError: the engine is not installed; the message says how to install it.
    """
    absent = [name for name in (engine, "onnx") if engine in EXTRAS and not find_spec(name)]
    if absent:
        raise VGGishError(
            f"engine={engine!r} needs {' and '.join(absent)}. {how_to_install(EXTRAS[engine])}"
        )


def _has_onednn(flags: frozenset[str]) -> bool:
    asked = os.environ.get("TF_ENABLE_ONEDNN_OPTS", "").lower()
    words = {"1": True, "true": True, "0": False, "false": False}  # others TensorFlow ignores
    return words.get(asked, bool(flags & ONEDNN_FLAGS))


def _flags() -> frozenset[str]:
    """Names of the processor's instruction sets; none on a system without /proc/cpuinfo."""
    try:
        lines = CPUINFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    words = (line.partition(":") for line in lines)
    return frozenset(
        flag
        for name, _, flags in words
        if name.strip() in ("flags", "Features")
        for flag in flags.split()
    )


def _described(engine: Engine) -> str:
    package = keras.config.backend() if engine == "keras" else engine
    # not from the distribution, whose name may be tensorflow-cpu or onnxruntime-gpu
    return f"{package} {import_module(package).__version__}"
