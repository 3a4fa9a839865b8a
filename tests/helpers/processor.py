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


# Lowest cosine of a row of bfloat16 to float32. conv1 alone is float32; eight layers round to 8
# bits, 0.4 %. With weights that sum to zero in each unit, the hard case, the lowest seen is 0.99954
# with AVX2, where TensorFlow rounds the product, the bias and the ReLU one by one, and 0.9997 with
# AMX; with other weights 0.99997.
BFLOAT16_COSINE = 0.9995
