"""Map: the segments of an archive as points on one page, to look at and to play.

segments      an archive → its segments, each with its file and its times
names         folders of files, and the labels of a CSV or of the archive, as classes
projection    rows → points, by PCA or UMAP
places        the files of the segments on this machine, and their addresses
sounds        the sound of the segments, and their log-mel
parts         the data of the page, from each step
page          all parts → one HTML file; the page itself is web/map
job           write(): the order of the work

Neighbours are those of search: see cosines.
"""

from vggish_tf.jobs.map.job import write

__all__ = ["write"]
