"""Which instructions this processor has, and the tolerances that go by them."""

import re
from pathlib import Path


def has(flag: str) -> bool:
    """Whether the processor has an instruction set, by its name in /proc/cpuinfo; True where
    nothing says.
    """
    info = Path("/proc/cpuinfo")
    flags = (
        re.search(r"flags\s*: (.*)", info.read_text(encoding="utf-8")) if info.exists() else None
    )
    return flags is None or flag in flags[1].split()


# Lowest cosine of a row to float32, on the demo clip. oneDNN has bfloat16 kernels from AVX-512 on,
# which round once a layer: 0.99993. Elsewhere TensorFlow's own kernels round the product, the bias
# and the ReLU one by one: 0.99990.
BFLOAT16_COSINE = 0.9999 if has("avx512f") else 0.9998
