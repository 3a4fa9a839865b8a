"""What people do with VGGish, one file a job."""

from importlib import import_module

__all__ = ["bulk", "classify", "demo", "export", "finetune", "pictures", "report", "spectrum", "stages"]


def __getattr__(name: str):
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
