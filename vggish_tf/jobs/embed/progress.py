"""Progress of a run: a bar for people, lines of JSON for programs, or nothing."""

import json
import sys
import time
from collections.abc import Sequence

from tqdm import tqdm

from vggish_tf.errors import counted
from vggish_tf.jobs.embed.clips import Clip, Failure

BAR = "{percentage:3.0f}% {n_fmt} of {total_fmt} clips{postfix}, {remaining} left"


class Progress:
    """The events of a run, each a method; this class does nothing with them."""

    def changed(self, clips: Sequence[Clip]):
        """Clips have changed since they were embedded, and will be embedded again."""

    def begin(self, num_clips: int, num_done: int, num_failed: int):
        """The run begins: `num_done` clips were done before, and `num_failed` of these failed."""

    def decoded(self, seconds: float):
        """Seconds of sound have been decoded; called in any thread."""

    def done(self, path: str, num_rows: int):
        """A clip has been embedded."""

    def failed(self, failure: Failure):
        """A clip could not be embedded."""

    def end(self, failures: Sequence[Failure]):
        """All clips are done."""


class Bar(Progress):
    """A bar on a terminal: clips, hours, times real time, time left, failures; and two lines."""

    def __init__(self):
        self._bar: tqdm = tqdm(disable=True)
        self._seconds, self._failures, self._too_short = 0.0, 0, 0

    def changed(self, clips):
        for clip in clips:
            print(f"{clip.name} changed since it was embedded: it is embedded again")

    def begin(self, num_clips, num_done, num_failed):
        self._num_clips, self._started = num_clips, time.monotonic()
        self._failures = num_failed
        already = f", {num_done:,} of them done before" if num_done else ""
        print(f"{counted(num_clips, 'clip')}{already}", flush=True)
        self._bar = tqdm(
            total=num_clips, initial=num_done, unit="clip", disable=None, leave=False,
            file=sys.stderr, bar_format=BAR,
        )  # fmt: skip

    def decoded(self, seconds):
        self._seconds += seconds  # threads may lose some in a race; the sum is only shown
        self._show()
        self._bar.update(0)  # draws the bar, if it is time

    def done(self, path, num_rows):
        self._too_short += not num_rows
        self._bar.update()

    def failed(self, failure):
        self._failures += 1
        self._bar.write(failure.message, file=sys.stderr)
        self._show()
        self._bar.update()

    def end(self, failures):
        self._bar.close()
        good = self._num_clips - len(failures)
        print(f"{good:,} of {counted(self._num_clips, 'clip')} embedded{self._speed()}")
        if self._too_short:
            print(f"{counted(self._too_short, 'clip')} of these too short for a row: --pad short")

    def _show(self):
        failed = f", {self._failures:,} failed" if self._failures else ""
        hours = f"{self._seconds / 3600:.2f} h"
        self._bar.set_postfix_str(f"{hours}{self._speed()}{failed}", refresh=False)

    def _speed(self) -> str:
        elapsed = time.monotonic() - self._started
        return f", {self._seconds / elapsed:,.0f} times real time" if self._seconds else ""


class Json(Progress):
    """A line of JSON for each event, on standard output."""

    def changed(self, clips):
        for clip in clips:
            self._say("changed", path=clip.name)

    def begin(self, num_clips, num_done, num_failed):
        self._say("begin", clips=num_clips, done=num_done, failed=num_failed)

    def done(self, path, num_rows):
        self._say("done", path=path, rows=num_rows)

    def failed(self, failure):
        self._say("failed", **failure._asdict())

    def end(self, failures):
        self._say("end", failed=len(failures))

    def _say(self, event: str, **values):
        print(json.dumps({"event": event, **values}), flush=True)
