"""The JSON of prototypes, written here and by the page of `export --format web`; read strictly.

    {"format": "vggish_tf prototypes", "version": 1,
     "weights": {…}, "params": {…}, "precision": "int8",   # of the manifest
     "prototypes": [{"label": "dog", "examples": 6, "embedding": [128 numbers]}]}

Types, sizes and words are checked here; Prototypes checks the values.
"""

import json
import re
from dataclasses import fields
from pathlib import Path
from reprlib import repr as short
from typing import Any

from vggish_tf.errors import UsageError, VGGishError, counted, reason_of
from vggish_tf.files import check_target, replacing_text
from vggish_tf.params import EMBEDDING_SIZE, Params
from vggish_tf.weights.identity import Identity

FORMAT, VERSION = "vggish_tf prototypes", 1
MOST_BYTES = 16 << 20  # room for thousands of prototypes
LARGEST = 1e30  # the largest number, so that its square is finite
ADVICE = "Give a file as the page or Prototypes.save wrote it."

# The fields of each object: their types, and the types in words.
FILE = {
    "weights": (dict, "an object"),
    "params": (dict, "an object"),
    "precision": (str, "a text"),
    "prototypes": (list, "a list"),
}
PROTOTYPE = {
    "label": (str, "a text"),
    "examples": (int, "a whole number"),
    "embedding": (list, f"a list of {EMBEDDING_SIZE} numbers"),
}
IDENTITY = {
    **dict.fromkeys(("asked", "values_sha256"), (str, "a text")),
    **dict.fromkeys(("untrained", "published"), (bool, "true or false")),
    **dict.fromkeys(("path", "md5", "sha256"), ((str, type(None)), "a text or null")),
}
OF_ALL_WEIGHTS = {"asked", "values_sha256", "untrained"}


def is_prototypes(path: Path) -> bool:
    """Whether a file is meant as prototypes: by its name, or by the beginning of its content.

    Example:
        >>> is_prototypes(Path("pets.json")), is_prototypes(Path("pets.keras"))
        (True, False)
    """
    if path.suffix.lower() == ".json" or not path.is_file():
        return path.suffix.lower() == ".json"
    with open(path, "rb") as stream:
        return stream.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")


def read(path: Path) -> dict[str, Any]:
    """The fields of Prototypes.

    Raises:
        VGGishError: the file cannot be read, is not JSON, or has another format or version.
        UsageError: a field is missing, or of another type or size.
    """
    found = _typed("", _parsed(path), FILE)
    rows = [_prototype(f"prototypes[{k}]", row) for k, row in enumerate(found.pop("prototypes"))]
    return {
        **found,
        "labels": [row["label"] for row in rows],
        "examples": [row["examples"] for row in rows],
        "embedding": [row["embedding"] for row in rows],
        "weights": _identity(found["weights"]),
        "params": _params(found["params"]),
    }


def write(path: Path, content: dict[str, Any]) -> None:
    """Writes prototypes, given as the fields of FILE.

    Raises:
        UsageError: the name does not end in .json.
        VGGishError, OSError: the file cannot be written.
    """
    check_target(path, endings=(".json",))
    whole = {"format": FORMAT, "version": VERSION, **content}
    with replacing_text(path) as file:
        file.write(f"{json.dumps(whole, ensure_ascii=False, allow_nan=False)}\n")


def check(name: str, value: object, fits: bool, expected: object):
    """Raises if a value does not fit, as errors.check_argument; a long value is cut short."""
    if not fits:
        raise UsageError(f"{name} must be {expected}; received {short(value)}.")


def _parsed(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_content(path).decode("utf-8-sig"), parse_constant=_refuse)
    except (ValueError, RecursionError, OSError) as error:
        fault = reason_of(error).rstrip(".")
        raise VGGishError(f"{path} cannot be read as prototypes: {fault}. {ADVICE}") from None
    word = found.get("format") if isinstance(found, dict) else found
    if word != FORMAT:
        raise VGGishError(
            f"{path} is not a file of prototypes: its format is {short(word)}. {ADVICE}"
        )
    version = found.get("version")
    if type(version) is not int or version != VERSION:
        raise VGGishError(
            f"{path} has version {short(version)} of the format of prototypes; this vggish_tf "
            f"reads version {VERSION}. Update the older of the two, the page or vggish_tf."
        )
    return found


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise ValueError("it is not a file" if path.exists() else "it does not exist")
    with open(path, "rb") as stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES:,} bytes")
    return content


def _refuse(word: str):
    raise ValueError(f"{word} is not a number")


def _typed(where: str, found: object, kinds: dict) -> dict[str, Any]:
    """The fields of a JSON object, after a check of their types; true is not a number."""
    if not isinstance(found, dict):
        raise UsageError(f"{where.rstrip('.')} must be an object; received {short(found)}.")
    for name, (kind, expected) in kinds.items():
        value = found.get(name)
        fits = isinstance(value, kind) and (kind is not int or type(value) is int)
        check(f"{where}{name}", value, name in found and fits, expected)
    return {name: found[name] for name in kinds}


def _prototype(name: str, found: object) -> dict[str, Any]:
    row = _typed(f"{name}.", found, PROTOTYPE)
    values = row["embedding"]
    numbers = [x for x in values if type(x) in (int, float) and abs(x) < LARGEST]
    if not len(numbers) == len(values) == EMBEDDING_SIZE:
        raise UsageError(
            f"{name}.embedding must be {EMBEDDING_SIZE} finite numbers; received "
            f"{counted(len(values), 'value')}, of which {len(numbers):,} are such numbers."
        )
    return row


def _identity(found: dict) -> Identity:
    names = [name for name in IDENTITY if name in found or name in OF_ALL_WEIGHTS]
    values = _typed("weights.", found, {name: IDENTITY[name] for name in names})
    digest = values["values_sha256"]
    is_digest = bool(re.fullmatch("[0-9a-f]{64}", digest))
    check("weights.values_sha256", digest, is_digest, "64 hexadecimal digits")
    return Identity(**values)


def _params(found: dict) -> Params:
    names = sorted(field.name for field in fields(Params))
    different = set(names) ^ set(found)
    if different:
        raise UsageError(
            f"params must be an object of {', '.join(names)}; received one that differs in "
            f"{short(sorted(different))}."
        )
    return Params(**found)
