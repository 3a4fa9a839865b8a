"""Cases of a test of which some run by default, and all with -m slow.

A tuple is the values of several arguments; a NamedTuple is one value.
"""

from collections.abc import Callable, Iterable

import pytest


def first(number: int, values: Iterable) -> list:
    """The first cases run by default."""
    return [_case(value, index < number) for index, value in enumerate(values)]


def those(wanted: Callable[..., bool], values: Iterable) -> list:
    """The cases of which `wanted` is true run by default."""
    return [_case(value, wanted(value)) for value in values]


def slow(*values):
    """One case, of one value an argument, that runs with -m slow alone."""
    return pytest.param(*values, marks=pytest.mark.slow)


def _case(value, by_default: bool):
    parts = value if type(value) is tuple else (value,)
    return pytest.param(*parts) if by_default else slow(*parts)
