"""Clips of panels: a waveform, a file or Stages → Stages; and the decorator @panel.

stages.py computes them; it is imported only for a clip that is not computed yet.
"""

import os
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Protocol

import numpy as np

from vggish_tf import importing
from vggish_tf.drawing.pages import own_axes
from vggish_tf.errors import UsageError
from vggish_tf.params import Params
from vggish_tf.rows import Embeddings, Stages

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from vggish_tf.embedding import Embedder

Clip = str | os.PathLike[str] | np.ndarray | Stages
ARGUMENTS = """
    Args:
        clip: a waveform, the path of a file, or Stages.
        sample_rate: the rate of a waveform, in Hz.
        ax: the axes to draw in; None makes a picture.
        params: front-end parameters; with an embedder, its own are used instead.
        embedder: computes the embeddings, for a panel that draws them.

    Returns:
        The axes.

    Raises:
        UsageError, AudioError: as show(); or the stages have no such embeddings.
"""


class Panel(Protocol):
    """The signature of a panel: a function that draws one stage of a clip."""

    __name__: str

    def __call__(
        self,
        clip: Clip,
        sample_rate: float | None = None,
        *,
        ax: "Axes | None" = None,
        params: Params | None = None,
        embedder: "Embedder | None" = None,
    ) -> "Axes": ...


def panel(draw: Callable[["Axes", Stages], None]) -> Panel:
    """Makes a panel from a function that draws Stages into axes, and documents its arguments."""

    @wraps(draw)
    def drawn(clip, sample_rate=None, *, ax=None, params=None, embedder=None):
        stages = stages_of(clip, sample_rate, params=params, embedder=embedder)
        if ax is None:
            return own_axes(drawn, stages)
        draw(ax, stages)
        return ax

    del drawn.__wrapped__  # its signature is not that of the panel
    drawn.__doc__ = f"{draw.__doc__}\n{ARGUMENTS}"
    return drawn


def stages_of(
    clip: Clip,
    sample_rate: float | None = None,
    *,
    params: Params | None = None,
    embedder: "Embedder | None" = None,
) -> Stages:
    """The stages of a clip; Stages are returned unchanged.

    Args:
        clip: a waveform, the path of a file, or Stages.
        sample_rate: the rate of a waveform, in Hz.
        params: front-end parameters; with an embedder, its own are used instead.
        embedder: computes the embeddings; without it there are none.

    Raises:
        UsageError: a waveform has no sample rate; or another argument is given with a clip that
            has its own.
        AudioError: the waveform or the file cannot be used.
    """
    if isinstance(clip, Stages):
        return _unless(clip, sample_rate=sample_rate, params=params, embedder=embedder)
    if isinstance(clip, Embeddings):
        raise UsageError(
            "Embeddings have no sound to draw. Give the waveform or the file, and embedder=."
        )
    importing.keras()
    from vggish_tf import stages

    if isinstance(clip, (str, os.PathLike)):
        return stages.compute_file(
            _unless(clip, sample_rate=sample_rate), params, embedder=embedder
        )
    if sample_rate is None:
        raise UsageError("a waveform needs its sample rate: give sample_rate=, in Hz.")
    return stages.compute(clip, sample_rate, params, embedder=embedder)


def _unless(clip, **others):
    """Returns the clip; raises if an argument is given that the clip has itself."""
    given = [f"{name}=" for name, other in others.items() if other is not None]
    if given:
        kind = "Stages are computed already" if isinstance(clip, Stages) else "a file has its own"
        raise UsageError(f"{kind}: leave out {', '.join(given)}.")
    return clip
