"""Units of work: a few hundred clips or some large files, which are embedded and written together.

Where a unit is cut and what it is called follow from its clips, whichever run or machine does it.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field

from vggish_tf.jobs.embed.clips import Clip, Failure
from vggish_tf.jobs.embed.stores import Stamp

UNIT_BYTES, UNIT_CLIPS = 1 << 26, 512  # at which a unit is full: 64 MB of files, or so many clips


@dataclass
class Unit:
    """Clips that are embedded and written together, and what became of them.

    Args:
        place: of its first clip among all.
        clips: of the unit.
        stamps: of the files of the clips, before they were read.
        rows: of each clip; zero of one that could not be embedded.
        seconds: of sound, embedded.
        failures: of the clips that could not be embedded.
    """

    place: int
    clips: list[Clip] = field(default_factory=list)
    stamps: list[Stamp] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)

    @property
    def name(self) -> str:
        """A name that follows from the clips, and sorts as they do."""
        keys = json.dumps([(clip.name, clip.start, clip.end) for clip in self.clips])
        return f"rows-{self.place:09d}-{hashlib.sha256(keys.encode()).hexdigest()[:12]}"

    def to_json(self) -> str:
        """The unit in one line, for another process."""
        clips = [list(asdict(clip).values()) for clip in self.clips]
        return json.dumps({"place": self.place, "clips": clips, "stamps": self.stamps})

    @classmethod
    def from_json(cls, line: str | bytes) -> "Unit":
        """The unit of to_json()."""
        found = json.loads(line)
        return cls(found["place"], [Clip(*clip) for clip in found["clips"]], found["stamps"])


def units_of(clips: Iterable[tuple[int, Clip]]) -> Iterator[Unit]:
    """Numbered clips in units."""
    unit, size = Unit(0), 0
    for place, clip in clips:
        unit = unit if unit.clips else Unit(place)
        unit.clips.append(clip)
        unit.stamps.append(clip.stamp)
        size += clip.num_bytes(unit.stamps[-1])
        if size >= UNIT_BYTES or len(unit.clips) >= UNIT_CLIPS:
            yield unit
            unit, size = Unit(0), 0
    if unit.clips:
        yield unit
