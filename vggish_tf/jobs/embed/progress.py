"""Progress of a run: counts, a bar for people, events for programs."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import TextIO

from vggish_tf.errors import counted
from vggish_tf.jobs.embed.clips import Clip, Failure
from vggish_tf.progress import SoundBar, note, show, speed_of


class Progress:
    """The events of a run, each a method; this class counts, and prints nothing."""

    num_clips, num_done, num_rows, num_failed, num_too_short = 0, 0, 0, 0, 0
    provenance: dict

    def changed(self, clips: Sequence[Clip]):
        """Clips have changed since they were embedded, and will be embedded again."""

    def begin(
        self,
        num_clips: int,
        num_done: int,
        num_failed: int,
        seconds: Callable[[], float | None] = lambda: None,
    ):
        """The run begins: `num_done` clips were done before, and `num_failed` of these failed.

        `seconds` returns the length of the other clips, as far as it is known; it takes a moment.
        """
        self.num_clips, self.num_done, self.num_failed = num_clips, num_done, num_failed

    def decoded(self, seconds: float):
        """Seconds of sound have been decoded; called in any thread."""

    def done(self, path: str, num_rows: int):
        """A clip has been embedded."""
        self.num_done += 1
        self.num_rows += num_rows
        self.num_too_short += not num_rows

    def failed(self, failure: Failure):
        """A clip could not be embedded."""
        self.num_done += 1
        self.num_failed += 1

    def end(self, failures: Sequence[Failure], provenance: dict):
        """All clips are done; the output has this provenance, with rows or without."""
        self.provenance = provenance


class Bar(Progress):
    """A bar on a terminal: seconds of sound, times real time, time left, clips, failures.

    Before and after it, a line on all clips, and a line for each one that failed.
    """

    def changed(self, clips):
        for clip in clips:
            note(f"{clip.name} changed since it was embedded: it is embedded again")

    def begin(self, num_clips, num_done, num_failed, seconds=lambda: None):
        super().begin(num_clips, num_done, num_failed)
        already = f", {num_done:,} of them done before" if num_done else ""
        note(f"{counted(num_clips, 'clip')}{already}")
        self._started, self._before = time.monotonic(), num_done
        self._seconds, self._bar = 0.0, SoundBar(seconds)
        self._is_estimate = self._bar.total is None

    def decoded(self, seconds):
        self._seconds += seconds  # threads may lose some in a race; the sum is only shown
        self._bar.update(seconds)

    def done(self, path, num_rows):
        super().done(path, num_rows)
        self._show()

    def failed(self, failure):
        super().failed(failure)
        show(failure.message, sys.stderr)
        self._show()

    def end(self, failures, provenance):
        super().end(failures, provenance)
        self._bar.close()
        elapsed = time.monotonic() - self._started
        timed = self._seconds and elapsed  # a coarse clock may show no time at all
        said = f", {speed_of(self._seconds, elapsed)} times real time" if timed else ""
        good = self.num_clips - len(failures)
        note(f"{good:,} of {counted(self.num_clips, 'clip')} embedded{said}")
        if self.num_too_short:
            note(f"{counted(self.num_too_short, 'clip')} of these too short for a row: --pad short")

    def _show(self):
        failed = f", {self.num_failed:,} failed" if self.num_failed else ""
        clips = f"{self.num_done:,}/{counted(self.num_clips, 'clip')}"
        self._bar.set_postfix_str(f"{clips}{failed}", refresh=False)
        if self._is_estimate:  # the clips to come are taken to be as long as those until now
            now = self.num_done - self._before
            self._bar.total = self._bar.n * (self.num_clips - self._before) / now
        self._bar.update(0)  # which draws it, if it is time to


class Json(Progress):
    """A line of JSON for each event, into a file or on standard output."""

    def __init__(self, file: TextIO | None = None):
        self._file = file

    def changed(self, clips):
        for clip in clips:
            self._say("changed", path=clip.name)

    def begin(self, num_clips, num_done, num_failed, seconds=lambda: None):
        super().begin(num_clips, num_done, num_failed)
        self._say("begin", clips=num_clips, done=num_done, failed=num_failed)

    def done(self, path, num_rows):
        super().done(path, num_rows)
        self._say("done", path=path, rows=num_rows)

    def failed(self, failure):
        super().failed(failure)
        self._say("failed", **failure._asdict())

    def end(self, failures, provenance):
        super().end(failures, provenance)
        self._say("end", failed=len(failures))

    def _say(self, event: str, **values):
        print(json.dumps({"event": event, **values}), file=self._file, flush=True)
