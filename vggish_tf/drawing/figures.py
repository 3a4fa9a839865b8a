"""Figures and axes that notebooks show as pictures, with pyplot or without.

It is the only module of this room that imports matplotlib at once.
"""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vggish_tf.drawing import pages


class Picture(Figure):
    """A figure that a notebook shows, although it is not registered with pyplot.

    With `%matplotlib inline`, the notebook's own way of showing figures takes precedence.
    """

    def _repr_png_(self) -> bytes:
        return pages.png(self)


class PictureAxes(Axes):
    """The axes of a picture with one panel; a notebook shows the picture."""

    def _repr_png_(self) -> bytes:
        figure = self.get_figure(root=True)
        assert figure is not None
        return pages.png(figure)
