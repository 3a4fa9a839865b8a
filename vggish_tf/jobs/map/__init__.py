"""Map: the segments of an archive as points of one page, to look at and to hear.

segments      an archive → its segments, each with its file and its times
names         folders of files, and the labels of a CSV or of the archive, as classes
projection    rows → points, by PCA or UMAP
sounds        the files of the segments: where they lie, their sound and their log-mel
page          all of it → one HTML file; the page itself is web/map
job           write(): the order of the work

Neighbours are those of search: see cosines.
"""

from vggish_tf.jobs.map.job import write

__all__ = ["write"]
