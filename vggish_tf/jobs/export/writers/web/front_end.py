"""The front end as data for JavaScript: the lengths, and the published mel filters.

JSON keeps every float64 exactly: Python writes the shortest digits that give the same number.
"""

import numpy as np

from vggish_tf.frontend.transforms import mel_matrix
from vggish_tf.params import Params, mel_to_hertz

LENGTHS = (
    *("sample_rate", "window_length", "hop_length", "fft_length", "num_mel_bins", "log_offset"),
    *("num_frames", "example_hop_frames", "min_samples"),
)


def describe(params: Params) -> dict:
    """The front end as a dictionary that JSON can hold.

    `mel_matrix` is a list with an item for each mel bin: its first FFT bin, and its weights from
    there on.

    Example:
        >>> about = describe(Params())
        >>> about["fft_length"], about["mel_matrix"][0]["first"]
        (512, 5)
    """
    return {
        **{name: getattr(params, name) for name in LENGTHS},
        "peak_hertz": mel_to_hertz(params.mel_edges[1:-1]).tolist(),
        "mel_matrix": [_filter(column) for column in mel_matrix(params).T],
    }


def _filter(column: np.ndarray) -> dict:
    """The weights of a mel bin without the zeros around them; [] if it holds no FFT bin."""
    (bins,) = np.nonzero(column)
    if not bins.size:
        return {"first": 0, "weights": []}
    return {"first": int(bins[0]), "weights": column[bins[0] : bins[-1] + 1].tolist()}
