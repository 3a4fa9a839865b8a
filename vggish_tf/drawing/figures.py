"""Figures and axes that notebooks show as pictures, with pyplot or without.

The one module of this room that needs matplotlib when it is imported.
"""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vggish_tf.drawing import pages


class Picture(Figure):
    """A figure that is not registered with pyplot, and that a notebook shows all the same.

    Where `%matplotlib inline` is on, its own way of showing a figure comes first.
    """

    def _repr_png_(self) -> bytes:
        return pages.png(self)


class PictureAxes(Axes):
    """The axes of a picture of their own: a notebook shows the picture."""

    def _repr_png_(self) -> bytes:
        figure = self.get_figure(root=True)
        assert figure is not None
        return pages.png(figure)
