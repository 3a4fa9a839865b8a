"""Index: an approximate search for archives of many millions of rows, by usearch (HNSW).

It is beside the archive, in `_index` of a folder or in `<file>.usearch`. It records the files that
it was built from, and is built again when they change. It holds the unit rows, about 660 bytes
each, which are in memory while it is built and mapped from the disk while it is searched. Unlike
the exact search, it may miss some of the nearest rows; the recall is measured when it is built.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from vggish_tf.cosines import Block, Nearest, blocks_of, check_sizes, directions
from vggish_tf.errors import VGGishError, counted, how_to_install
from vggish_tf.files import replacing_all
from vggish_tf.formats import parquet
from vggish_tf.jobs.search.places import Places
from vggish_tf.jobs.search.query import read
from vggish_tf.params import EMBEDDING_SIZE

VERSION = 1  # of the files of an index
GRAPH, ABOUT = "rows.usearch", "about.json"
RECALL_ROWS, RECALL_TOP = 100, 10
LEAST_EXPANSION = 256  # rows that HNSW examines; usearch's default of 64 finds fewer of the nearest
ROUNDING = 1e-6  # of the index's float32 cosines
WIDER = 4  # the factor by which more rows are requested if too few are hits


class Index:
    """An opened index; open_index() opens or builds one.

    Attributes:
        key: the files that it was built from, and the weights of their rows.
        recall: the share of the 10 nearest rows that it finds, compared with the exact search, for
            100 rows of the archive; None for an archive without rows.
    """

    def __init__(self, folder: Path):
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        self.key: dict = about["key"]
        self.recall: float | None = about["recall"]
        if (folder / GRAPH).stat().st_size != about["bytes"]:
            raise OSError(f"{folder} is damaged")  # mapped by usearch, it would end the process
        self._graph = _usearch().Index.restore(str(folder / GRAPH), view=True)
        self._places = Places.open(folder)

    def __len__(self) -> int:
        return len(self._graph)

    def __str__(self) -> str:
        recall = "" if self.recall is None else f", recall@{RECALL_TOP} {self.recall:.3f}"
        return f"{counted(len(self), 'row')}{recall}"

    def blocks(self, best: Nearest) -> Iterator[Block]:
        """Yields rows near a query, more each time, until enough of them are hits."""
        count = best.top
        while True:
            block, reached = self.near(best.query, count)
            yield block
            whole = len(best.hits) == best.top and best.hits[-1].cosine > reached - ROUNDING
            if whole or count >= len(self):
                return
            count *= WIDER

    def near(self, query: np.ndarray, count: int) -> tuple[Block, float]:
        """The `count` nearest rows of each example of a query, (n, size), that the index finds.

        Returns:
            The rows, and the lowest cosine down to which it finds no others.

        Raises:
            UsageError: the rows of the archive have another size.
        """
        check_sizes(query, self._graph.ndim)
        self._graph.expansion_search = max(LEAST_EXPANSION, 2 * count)
        if not len(self):
            return self._rows(np.arange(0)), -1.0
        found = self._graph.search(query.astype(np.float32), min(count, len(self)))
        keys, cosines = np.atleast_2d(found.keys), 1 - np.atleast_2d(found.distances)
        counts = np.reshape(getattr(found, "counts", [keys.shape[1]]), (-1, 1))
        valid = np.arange(keys.shape[1]) < counts  # rarely, fewer rows are found than requested
        reached = np.where(valid, cosines, 1).min(axis=1).max()
        return self._rows(np.unique(keys[valid]).astype(np.int64)), float(reached)

    def sample(self) -> np.ndarray:
        """At most 100 rows, (n, size), from all parts of the archive."""
        last = max(len(self._places.start) - 1, 0)
        numbers = np.unique(np.linspace(0, last, RECALL_ROWS).astype(np.int64))
        return self._rows(numbers[self._graph.contains(numbers)]).embedding

    def _rows(self, numbers: np.ndarray) -> Block:
        rows = self._graph.get(numbers) if len(numbers) else ()
        return self._places.block(numbers, np.reshape(rows, (len(numbers), self._graph.ndim)))


def open_index(
    archive: str | os.PathLike[str], said: Callable[[str], object] = lambda _: None
) -> Index:
    """Opens the index of an archive; builds it if there is none of the present files.

    Args:
        archive: the path of a folder of shards, or of one file.
        said: a function that is called with a line before an index is built, which takes a while.

    Raises:
        VGGishError: usearch is not installed, or there is no archive.

    Example:
        >>> open_index("rows").recall  # doctest: +SKIP
        0.98
    """
    archive, key = Path(archive), _key(Path(archive))
    name = f"{archive.name}.usearch"
    folder = archive / "_index" if archive.is_dir() else archive.with_name(name)
    _usearch()
    found = _found(folder)
    if found is not None and found.key == key:
        return found
    said(f"building the index {folder} …")
    with replacing_all([folder]) as place:
        made = place / folder.name
        made.mkdir()
        _build(archive, made)
        _write_about(made, key, None)  # so that it can be opened
        _write_about(made, key, _recall(archive, Index(made)))
    return Index(folder)


def _found(folder: Path) -> Index | None:
    """The existing index; None if there is none, or it is damaged."""
    try:
        return Index(folder)
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, TypeError):
        return None


def _usearch():
    try:
        import usearch.index
    except ImportError:
        raise VGGishError(
            f"an index needs usearch, which is not installed. {how_to_install('search')}"
        ) from None
    return usearch.index


def _key(archive: Path) -> dict:
    """The files of an archive, and the weights of its rows."""
    shards = [(path.name, path.stat()) for path in parquet.shards_of(archive)]
    return {
        "version": VERSION,
        "weights": read(archive).provenance.get("weights", {}).get("values_sha256"),
        "shards": [[name, stat.st_size, stat.st_mtime_ns] for name, stat in shards],
    }


def _build(archive: Path, folder: Path):
    """Writes the graph of the rows that have a direction, and the places of all rows."""
    graph, without_rows = None, []
    for block in blocks_of(read(archive).clips):
        unit, known = directions(block.embedding, np.float32)
        graph = _graph(unit.shape[1]) if graph is None else graph
        graph.add(block.number[known], unit[known])
        without_rows.append(replace(block, embedding=np.empty((0, unit.shape[1]))))
    graph = _graph(EMBEDDING_SIZE) if graph is None else graph
    graph.save(str(folder / GRAPH))
    Places.of(without_rows).save(folder)


def _graph(size: int):
    return _usearch().Index(ndim=size, metric="ip", dtype="f32")


def _write_about(folder: Path, key: dict, recall: float | None):
    about = {"key": key, "recall": recall, "bytes": (folder / GRAPH).stat().st_size}
    (folder / ABOUT).write_text(json.dumps(about), encoding="utf-8")


def _recall(archive: Path, index: Index) -> float | None:
    """The share of the nearest rows that the index finds; rows as near as the last one count."""
    rows = index.sample()
    exact = [Nearest(row[np.newaxis], RECALL_TOP) for row in rows]
    for block in blocks_of(read(archive).clips):
        for best in exact:
            best.add(block)
    found = []
    for row, best in zip(rows, exact, strict=True):
        near = Nearest(row[np.newaxis], RECALL_TOP)
        near.add(index.near(near.query, RECALL_TOP)[0])
        last = best.hits[-1].cosine - ROUNDING
        found.append(sum(hit.cosine >= last for hit in near.hits) / len(best.hits))
    return float(np.mean(found)) if found else None
