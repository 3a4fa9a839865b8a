"""The errors that a user can cause; everything else that is raised is a bug.

Each message says what came, what was expected, and what to do. The command line prints it as one line.
"""


class VGGishError(Exception):
    """The base of every error that vggish_tf raises on purpose."""


class ParamsError(VGGishError, ValueError):
    """A combination of parameters that no front end can be built from; the message names the field."""


class AudioError(VGGishError, ValueError):
    """Audio that cannot be used: not audio, cut short, empty, not finite, or of an impossible rate."""


class CheckpointError(VGGishError, ValueError):
    """A file of weights that is absent, damaged, or does not fit the model."""


def check_word(name: str, word: object, words: tuple) -> None:
    """Raises a ValueError if an argument is none of the words that it may be.

    Example:
        >>> check_word("pad", "sometimes", ("never", "always"))
        Traceback (most recent call last):
        ValueError: pad must be 'never' or 'always'; received 'sometimes'.
    """
    if word not in words:
        raise ValueError(f"{name} must be {' or '.join(map(repr, words))}; received {word!r}.")
