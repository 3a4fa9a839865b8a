"""VGGish with a 32nd of its filters: every layer and name, exported in a second. Import both
fixtures.
"""

import numpy as np
import pytest

from vggish_tf import VGGish
from vggish_tf.network import backbone


def noise(*shape, seed=1):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, shape).astype(np.float32)


@pytest.fixture(scope="module", autouse=True)
def few_filters():
    """For the module that imports this."""
    with pytest.MonkeyPatch.context() as patch:
        table = tuple((name, width and width // 32) for name, width in backbone.CONVOLUTIONS)
        patch.setattr(backbone, "CONVOLUTIONS", table)
        patch.setattr(backbone, "DENSE", (("fc1_1", 48), ("fc1_2", 48), ("embedding", 128)))
        yield


@pytest.fixture(scope="module")
def small(few_filters):
    """A waveform model with weights that are not the initializer's. Do not change them."""
    model = VGGish(None)
    generator = np.random.default_rng(0)
    for variable in model.weights:
        fan_in = np.prod(variable.shape[:-1])
        variable.assign(generator.standard_normal(variable.shape) * np.sqrt(2 / fan_in))
    return model
