"""Places: the file and the times of each row of an archive, by its number, mapped from the disk."""

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vggish_tf.cosines import Block


class Places(NamedTuple):
    """The place of each row; each array is kept in an .npy."""

    start: np.ndarray  # (n,) seconds
    end: np.ndarray  # (n,) seconds
    first: np.ndarray  # (clips,) int64, the number of each clip's first row
    names: np.ndarray  # uint8, the clips' paths in UTF-8, one after the other
    name_end: np.ndarray  # (clips,) int64, the end of each path in `names`

    @classmethod
    def of(cls, blocks: Iterable[Block]) -> "Places":
        """The places of the rows in consecutive blocks."""
        none = np.zeros(0)
        starts, ends, firsts, names = [none], [none], [none], list[bytes]()
        for block in blocks:
            starts.append(block.start)
            ends.append(block.end)
            firsts.append(block.number[np.searchsorted(block.clip, np.arange(len(block.paths)))])
            names.extend(path.encode("utf-8") for path in block.paths)
        start, end, first = (np.concatenate(arrays) for arrays in (starts, ends, firsts))
        joined = np.frombuffer(b"".join(names), np.uint8)
        name_end = np.fromiter(itertools.accumulate(map(len, names)), np.int64, len(names))
        return cls(start, end, first.astype(np.int64), joined, name_end)

    def save(self, folder: Path):
        """Writes an .npy for each array."""
        for name, array in self._asdict().items():
            np.save(folder / f"{name}.npy", array)

    @classmethod
    def open(cls, folder: Path) -> "Places":
        """The places that save() wrote; only those that are used are read."""
        return cls(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in cls._fields))

    def block(self, numbers: np.ndarray, embedding: np.ndarray) -> Block:
        """Rows by their numbers, (n,) and (n, size), as a block."""
        after = np.searchsorted(self.first, numbers, side="right")
        clips, clip = np.unique(after - 1, return_inverse=True)
        paths = [self._path(number) for number in clips]
        return Block(numbers, paths, clip, self.start[numbers], self.end[numbers], embedding)

    def _path(self, clip: int) -> str:
        first = self.name_end[clip - 1] if clip else 0
        return self.names[first : self.name_end[clip]].tobytes().decode("utf-8")
