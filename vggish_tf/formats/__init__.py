"""Formats of embeddings, one file each, with `read(path)` and `write(path, …)`."""

from importlib import import_module

__all__ = ["npz", "tfrecord"]


def __getattr__(name: str):
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
