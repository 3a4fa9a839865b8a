"""Units of work: a few hundred clips or some large files, which are embedded and written together.

The clips determine the borders and the name of a unit, in every run and on every machine.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field

from vggish_tf.jobs.embed.clips import Clip, Failure
from vggish_tf.jobs.embed.stores import Stamp

UNIT_BYTES, UNIT_CLIPS = 1 << 26, 512  # a unit is full with 67 MB of files, or so many clips


@dataclass
class Unit:
    """Clips that are embedded and written together, and their results.

    Args:
        place: the number of its first clip among all clips.
        clips: the clips of the unit.
        stamps: the stamps of the clips' files, before they were read.
        rows: the number of rows of each clip; zero for a failure.
        seconds: the seconds of sound that were embedded.
        failures: the failures of the clips that could not be embedded.
    """

    place: int
    clips: list[Clip] = field(default_factory=list)
    stamps: list[Stamp] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)

    @property
    def name(self) -> str:
        """A name that is determined by the clips and sorts like them."""
        keys = json.dumps([(clip.name, clip.start, clip.end) for clip in self.clips])
        return f"rows-{self.place:09d}-{hashlib.sha256(keys.encode()).hexdigest()[:12]}"

    def to_json(self) -> str:
        """The unit as one line of JSON, for another process."""
        clips = [list(asdict(clip).values()) for clip in self.clips]
        return json.dumps({"place": self.place, "clips": clips, "stamps": self.stamps})

    @classmethod
    def from_json(cls, line: str | bytes) -> "Unit":
        """The unit of to_json()."""
        found = json.loads(line)
        return cls(found["place"], [Clip(*clip) for clip in found["clips"]], found["stamps"])


def units_of(clips: Iterable[tuple[int, Clip]]) -> Iterator[Unit]:
    """Groups numbered clips in units."""
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
