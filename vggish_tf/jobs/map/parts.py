"""Parts of a page: the JSON and the arrays from each step, and the line printed about it.

A number that does not exist is −1, which the script reads as 2³² − 1.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

import vggish_tf
from vggish_tf.cosines import Neighbours, neighbours_of
from vggish_tf.errors import counted
from vggish_tf.jobs.map import names, places, sounds
from vggish_tf.jobs.map.projection import Projection, project
from vggish_tf.jobs.map.segments import Segments, numbered
from vggish_tf.profiles import Profile
from vggish_tf.progress import bar
from vggish_tf.weights.identity import Identity, recorded_untrained

Said = Callable[[str], object]


class Part(NamedTuple):
    """A part of a page."""

    about: dict  # for the JSON of the page
    arrays: dict[str, np.ndarray] = {}  # noqa: RUF012
    clips: Sequence[bytes] = ()


def of_segments(found: Segments, provenance: dict, place: Path | None, said: Said) -> Part:
    """The segments: their files and times, weights and settings."""
    said(f"{counted(len(found.file), 'segment')} of {counted(len(found.files), 'file')}")
    left_out = ""
    if found.left_out:
        left_out = f"{counted(found.left_out, 'row')} of zeros or not finite: left out"
        said(left_out)
    about = {
        "title": place.name if place else "archive",
        "files": found.files,
        "leftOut": left_out,
        "untrained": recorded_untrained(provenance),
        "weights": _weights(provenance),
        "profile": _profile(provenance),
        "pool": provenance.get("pool") or "",
        "version": vggish_tf.__version__,
    }
    return Part(about, {"file": found.file, "start": found.start, "end": found.end})


def of_colours(found: Segments, labels: dict[names.Parts, str] | None, said: Said) -> Part:
    """The classes that can colour the points: folders and labels."""
    classes, folder = numbered(names.folders_of(found.files))
    arrays = {"folder": folder[found.file]}
    about: dict[str, list[str]] = {"folder": classes}
    if labels is not None:
        about["label"], label, without = names.labels_of(found.files, labels)
        arrays["label"] = label[found.file]
        said(f"labels: {counted(len(about['label']), 'class', 'classes')}")
        if without:
            said(f"{without:,} of {counted(len(found.files), 'file')} without a label")
    elif found.label is not None:
        about["label"], arrays["label"] = found.labels, found.label
    return Part({"classes": about}, arrays)


def of_files(files: Sequence[Path | None], page: Path, embed: bool, said: Said) -> Part:
    """The addresses of the sounds; reports the number of missing ones."""
    missing = files.count(None)
    if missing:
        said(
            f"{missing:,} of {counted(len(files), 'file')} not found: their segments are without "
            "sound. Give their folder: --audio FOLDER"
        )
    return Part({"addresses": None if embed else [*places.addresses(files, page)]})


def of_points(found: Segments, projection: Projection, seed: int, said: Said) -> Part:
    """The points, by a projection."""
    if projection == "umap":
        said("UMAP: a progress bar appears after a while …")
    began = time.monotonic()
    points, variance = project(found.rows, projection, seed)
    shares = " and ".join(f"{100 * share:.1f} %" for share in variance)
    text = f"PCA, {shares} of the variance" if variance else f"UMAP, seed {seed}"
    said(f"{text}: {time.monotonic() - began:.1f} s")
    return Part({"projection": text}, {"x": points[:, 0], "y": points[:, 1]})


def of_neighbours(found: Segments, count: int, said: Said) -> Part:
    """The nearest other segments of each segment."""
    near = Neighbours(np.zeros((0, 0), np.int64), np.zeros((0, 0)))
    if count:
        began = time.monotonic()
        with bar(total=len(found.rows), unit="row", desc="neighbours") as shown:
            near = neighbours_of(found.rows, count, shown.update)
        said(f"{counted(count, 'neighbour')} of each: {time.monotonic() - began:.1f} s")
    cosine = near.cosine.astype(np.float32)
    return Part({"neighbours": count}, {"neighbour": near.number, "cosine": cosine})


def of_sounds(
    found: Segments,
    files: list[Path | None],
    profile: Profile,
    embed: bool,
    log_mel: bool,
    said: Said,
) -> Part:
    """The sounds and log-mels that the page holds."""
    if not (embed or log_mel):
        return Part({"embedded": False, "logMel": None})
    read = sounds.read(found, files, profile, embed, log_mel)
    if read.failures:
        said(f"{counted(len(read.failures), 'sound')} could not be read: {read.failures[0]}")
    params = profile.params
    about = {
        "shape": [sounds.WIDTH, params.num_mel_bins],
        "hertz": [params.mel_min_hz, params.mel_max_hz],
    }
    arrays = {"log_mel": read.log_mel, "clip": read.clip, "clip_start": read.clip_start}
    kept = {name: array for name, array in arrays.items() if array is not None}
    return Part({"embedded": embed, "logMel": about if log_mel else None}, kept, read.clips)


def _profile(provenance: dict) -> str:
    """The name of the profile; "" if the archive does not have it."""
    try:
        return Profile.of(provenance).name
    except (KeyError, TypeError):
        return ""


def _weights(provenance: dict) -> str:
    """The weights in words; "" if the archive does not have them."""
    try:
        return str(Identity(**provenance["weights"]))
    except (KeyError, TypeError):
        return ""
