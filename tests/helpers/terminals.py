"""A stream in the place of a terminal, whose text a test can read."""

import io


class Terminal(io.StringIO):
    def isatty(self):
        return True
