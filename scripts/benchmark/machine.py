"""The machine of a run: processor, versions, and the speed of its fastest matrix product."""

import datetime
import os
import platform
import re
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "tensorflow",
    "keras",
    "numpy",
    "torch",
    "jax",
    "torchvggish",
    "resampy",
    "soxr",
    "onnxruntime",
    "openvino",
    "ai-edge-litert",
)
FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
BFLOAT16_FLAGS = ("amx_bf16", "avx512_bf16")
DTYPES = ("float32", "bfloat16")
# of the square matrices: 16 MB each, larger than a cache of one core, as VGGish's largest layer is
SIZE = 2048


def describe() -> dict:
    """Processor, cores, instructions and versions, to compare with another machine."""
    path = Path("/proc/cpuinfo")
    info = path.read_text(encoding="utf-8") if path.exists() else ""
    name = re.search(r"model name\s*: (.*)", info)
    flags = set((re.search(r"flags\s*: (.*)", info) or ["", ""])[1].split())
    has_affinity = hasattr(os, "sched_getaffinity")
    return {
        "date": datetime.date.today().isoformat(),
        "processor": name[1] if name else platform.processor(),
        "cores": len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count(),
        "instructions": [flag for flag in FLAGS if flag in flags],
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in PACKAGES},
    }


def bfloat16(about: dict) -> str:
    """The better instruction set for bfloat16 of a described machine; "" if it has none."""
    return next((flag for flag in BFLOAT16_FLAGS if flag in about["instructions"]), "")


def named(about: dict) -> str:
    """A described machine in a few words, with the date where it is known."""
    date = f", {about['date']}" if "date" in about else ""
    return (
        f"{about['cores']} cores of an {about['processor']} ({', '.join(about['instructions'])})"
        f"{date}"
    )


def matmul_peak(dtype: str = "float32", seconds: float = 2.0) -> float:
    """GFLOP/s of TensorFlow's fastest product of two matrices in `seconds`."""
    import tensorflow as tf

    left = tf.cast(tf.random.uniform((SIZE, SIZE)), dtype)
    product = tf.function(lambda: tf.matmul(left, left))
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        product()[0, 0].numpy()
        best = min(best, time.perf_counter() - start)
    return 2 * SIZE**3 / best / 1e9


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
