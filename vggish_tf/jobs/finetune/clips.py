"""Labelled clips and their splits: a folder or a CSV → list of Clip. No audio is read.

A folder has a subfolder for each class. A CSV has the columns path, label and, optionally, start,
end (seconds) and split; paths are relative to the CSV, and `a;b` in the column label is two labels.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

from vggish_tf import audio, tables
from vggish_tf.audio import ffmpeg
from vggish_tf.errors import VGGishError, counted, listed
from vggish_tf.files import check_source

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)
LABEL_SEPARATOR = ";"
COLUMNS = ("path", "label", "start", "end", "split")


@dataclass(frozen=True)
class Clip:
    """A stretch of a file and its labels.

    Args:
        path: the path of the file.
        labels: any number of labels.
        start, end: the stretch, in seconds; None is the end of the file.
        split: "train", "validation" or "test"; "" before it is known.
    """

    path: Path
    labels: tuple[str, ...]
    start: float = 0.0
    end: float | None = None
    split: str = ""

    @cached_property
    def file(self) -> str:
        """The resolved path: the same for all spellings of a file."""
        return os.path.realpath(self.path)

    @property
    def last(self) -> float:
        """The end in seconds; infinity stands for the end of the file."""
        return float("inf") if self.end is None else self.end

    def __str__(self):
        if not self.start and self.end is None:
            return str(self.path)
        end = "the end" if self.end is None else f"{self.end:g} s"
        return f"{self.path} [{self.start:g} s to {end}]"


def find(source: str | os.PathLike[str]) -> list[Clip]:
    """Returns the clips of a folder of class subfolders, or of a CSV, in order of names or rows.

    Raises:
        VGGishError: there is no such file or folder, or no audio; or a row is invalid, and the
            message has its line number.
    """
    source = Path(source)
    if source.is_dir():
        return _find_in_folder(source)
    check_source(source, "Give a folder with a subfolder for each class, or a CSV.")
    return list(_read_csv(source))


def _find_in_folder(folder: Path) -> list[Clip]:
    folders = (entry for entry in folder.iterdir() if entry.is_dir())
    classes = sorted(entry for entry in folders if not entry.name.startswith("."))
    if not classes:
        raise VGGishError(
            f"{folder} has no subfolders. Put the files of each class into a subfolder of its name."
        )
    clips = [Clip(path, (entry.name,)) for entry in classes for path in _audio_files(entry)]
    found = {label for clip in clips for label in clip.labels}
    empty = [entry.name for entry in classes if entry.name not in found]
    if empty:
        hint = ffmpeg_hint(path for name in empty for path in (folder / name).rglob("*"))
        raise VGGishError(
            f"{folder}: no audio files in {quoted(empty)}{hint}. Fill or remove these subfolders."
        )
    return clips


def _audio_files(folder: Path) -> list[Path]:
    suffixes = audio.suffixes()
    paths = (path for path in folder.rglob("*") if path.suffix.lower() in suffixes)
    return sorted(path for path in paths if path.name[0] != "." and path.is_file())


def ignored(source: str | os.PathLike[str], clips: list[Clip]) -> list[Path]:
    """The files of a folder that are no clips, without hidden ones.

    They are in no class, or are not audio by their suffix.
    """
    used, source = {clip.path for clip in clips}, Path(source)
    others = sorted(path for path in source.rglob("*") if path not in used and path.is_file())

    def is_hidden(path: Path) -> bool:
        return any(part[0] == "." for part in path.relative_to(source).parts)

    return [path for path in others if not is_hidden(path)]


def ffmpeg_hint(paths: Iterable[Path]) -> str:
    """A remark in brackets if some of the paths need ffmpeg, which is not installed; else ""."""
    wanted = sorted({path.suffix.lower() for path in paths} & set(ffmpeg.SUFFIXES))
    if not wanted or ffmpeg.is_installed():
        return ""
    need = "needs" if len(wanted) == 1 else "need"
    return f" ({', '.join(wanted)} {need} ffmpeg, which is not installed: {ffmpeg.INSTALL})"


def _read_csv(path: Path) -> Iterator[Clip]:
    clips = [_clip_of_row(row, path, line) for line, row in tables.read(path, COLUMNS, COLUMNS[:2])]
    if not clips:
        raise VGGishError(f"{path} has no rows under its header.")
    _check_splits(clips, path)
    yield from clips


def _clip_of_row(row: tables.Row, path: Path, line: int) -> Clip:
    labels = tuple(filter(None, (label.strip() for label in row["label"].split(LABEL_SEPARATOR))))
    start, end = (_seconds(row.get(name), name, path, line) for name in ("start", "end"))
    split = row.get("split", "").strip()
    named = row["path"] and "\0" not in row["path"]
    if not named or split not in ("", *SPLITS) or (end is not None and end <= (start or 0.0)):
        raise VGGishError(
            f"{path}, line {line}: a row needs a path, an end after its start, and a split out of "
            f"{', '.join(SPLITS)} if there is one; received {tables.shown(row)}."
        )
    return Clip(path.parent / row["path"], labels, start or 0.0, end, split)


def _seconds(text: str | None, name: str, path: Path, line: int) -> float | None:
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise VGGishError(
            f"{path}, line {line}: {name} must be in seconds, from 0 on; received {text!r}."
        )
    return seconds


def _check_splits(clips: list[Clip], path: Path):
    without = [clip for clip in clips if not clip.split]
    if 0 < len(without) < len(clips):
        have = counted(len(without), "row has", "rows have")
        raise VGGishError(f"{path}: {have} no split and the others do. Fill in all, or none.")
    first: dict[str, Clip] = {}
    for clip in clips:
        other = first.setdefault(clip.file, clip)
        if other.split != clip.split:
            again = "" if other.path == clip.path else f", the second time as {clip.path}"
            raise VGGishError(
                f"{path}: {other.path} is in both {other.split} and {clip.split}{again}. Choose "
                "one for each file."
            )


def label_set(clips: list[Clip], labels: Sequence[str] | None, *, multi_label: bool) -> list[str]:
    """Returns the labels in order, `labels` or all, after a check that every clip fits them.

    Raises:
        VGGishError: a clip has another label, a label has no clips, there are too few labels, or,
            without multi_label, a clip does not have exactly one label.
    """
    wrong = next((clip for clip in clips if len(clip.labels) != 1), None)
    if wrong and not multi_label:
        labels_of_it = counted(len(wrong.labels), "label")
        raise VGGishError(
            f"{wrong} has {labels_of_it}; one is expected. Or use multi_label=True (--multi-label)."
        )
    if not multi_label:
        _check_one_label_a_stretch(clips)
    found = {label for clip in clips for label in clip.labels}
    expected = sorted(found) if labels is None else list(labels)
    stranger = next((clip for clip in clips if not set(clip.labels) <= set(expected)), None)
    if stranger:
        outside = f"outside the set {quoted(expected)}"
        raise VGGishError(f"{stranger} is labelled {quoted(stranger.labels)}, {outside}.")
    if missing := [label for label in expected if label not in found]:
        advice = "Add some, or leave these labels out."
        raise VGGishError(f"no clip is labelled {quoted(missing)}. {advice}")
    if len(expected) < (1 if multi_label else 2):
        raise VGGishError(f"two classes or more are needed; found {quoted(expected)}.")
    return expected


def _check_one_label_a_stretch(clips: list[Clip]):
    """Raises if a clip lies within another of the same file with another label."""
    # file → label → the clip that ends last, of those so far
    longest: dict[str, dict[str, Clip]] = {}
    for clip in sorted(clips, key=lambda clip: (clip.file, clip.start, -clip.last)):
        begun = longest.setdefault(clip.file, {})
        for label, other in begun.items():
            if label != clip.labels[0] and clip.last <= other.last:
                raise VGGishError(
                    f"{clip} is labelled {clip.labels[0]!r}, and {other} {label!r}, which is the "
                    "same sound. Choose one label, or use multi_label=True (--multi-label) and "
                    "give both to one clip."
                )
        before = begun.get(clip.labels[0], clip)
        begun[clip.labels[0]] = clip if clip.last > before.last else before


def quoted(names: Sequence[str]) -> str:
    """The first few names in quotes, for a message."""
    return listed([*map(repr, names)], 6)
