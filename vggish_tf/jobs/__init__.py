"""Jobs: the tasks of users, a module or a package each.

No job imports another; code that two jobs need is in a room above.
"""

from importlib import import_module

__all__ = [
    *("classify", "compare_profiles", "convert", "convert_weights", "demo", "embed", "export"),
    *("fad", "finetune", "inspect", "map", "search", "serve", "verify"),
]

_BEFORE = {  # the names of the first release
    "bulk": "vggish_tf.jobs.bulk",
    "panels": "vggish_tf.drawing.panels",
    "pictures": "vggish_tf.drawing.pictures",
    "report": "vggish_tf.jobs.inspect",
    "spectrum": "vggish_tf.jobs.inspect.spectrum",
    "stages": "vggish_tf.stages",
}


def __getattr__(name: str):
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    if name in _BEFORE:
        return import_module(_BEFORE[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
