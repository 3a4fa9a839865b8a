"""Embeddings of audio files, an npz for each. Bad files are reported and left out."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vggish_tf import audio
from vggish_tf.errors import AudioError, UsageError, VGGishError, counted
from vggish_tf.files import check_target, make_folder
from vggish_tf.formats import npz
from vggish_tf.jobs.embed.clips import Clip, decoded, seconds_of
from vggish_tf.progress import SoundBar, note, show

if TYPE_CHECKING:  # a mistyped file name is reported before Keras is imported
    from vggish_tf.embedding import Embedder


def embed_each(
    files: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    embedder: "Embedder | Callable[[], Embedder]",
    *,
    overwrite: bool = True,
) -> dict[Path, Path]:
    """Embeds files, shows progress, and prints a line for each; files share batches.

    Args:
        files: audio files of any rate, channel count and format.
        output: an `.npz` for one file; a folder for several, with an `.npz` for each, by its name.
        embedder: an Embedder, whose provenance is written into each npz; or a function that returns
            one, called after all paths are checked.
        overwrite: whether existing npz files may be replaced.

    Returns:
        The npz of each file.

    Raises:
        AudioError: some files could not be embedded; all others were written.
        UsageError: the output does not fit the number of files, or two files would share one;
            nothing was done.
        VGGishError: an output cannot be written; nothing was done.
    """
    targets = plan(files, output, overwrite=overwrite)
    unreadable = {file: error for file in targets if (error := audio.failure_of(file))}
    failures = list(unreadable.values())
    if len(targets) > 1:
        print(*failures, sep="\n", end="\n" if failures else "", file=sys.stderr)
    readable = {file: target for file, target in targets.items() if file not in unreadable}
    if readable:
        if Path(output).suffix != ".npz":
            make_folder(output)
        failures += _embed(readable, _made(embedder), len(targets) > 1)
    if failures:
        summary = _summary(len(failures), len(targets))
        raise failures[0] if len(targets) == 1 else AudioError(summary)
    return targets


def _made(embedder):
    """The Embedder, or the one that a function returns; a function has no `embed_files`."""
    return embedder if hasattr(embedder, "embed_files") else embedder()


def _embed(targets: dict[Path, Path], embedder: "Embedder", many: bool) -> list[AudioError]:
    """Writes each npz and returns the errors; with many files, they are printed too."""
    failures = []
    clips = [Clip(str(file), str(file)) for file in targets]
    with SoundBar(lambda: seconds_of(clips)) as bar:
        results = embedder.embed_blocks(decoded(clips, embedder, bar.update))
        for (file, target), result in zip(targets.items(), results, strict=True):
            if isinstance(result, AudioError):
                failures.append(result)
                if many:
                    show(str(result), sys.stderr)
                continue
            npz.write(target, result, {**embedder.provenance, "audio": file.name})
            note(f"{file} → {target}: {counted(len(result.embedding), 'row')}")
    return failures


def _summary(num_failures: int, num_files: int) -> str:
    rest = "; the rest was written" if num_failures < num_files else ""
    return f"{num_failures:,} of {counted(num_files, 'file')} could not be embedded{rest}."


def plan(
    files: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    overwrite: bool = True,
) -> dict[Path, Path]:
    """The npz of each file, checked before any work starts; see embed_each.

    Example:
        >>> plan(["a.wav"], "a.npz")
        {PosixPath('a.wav'): PosixPath('a.npz')}
    """
    output = Path(output)
    targets = _targets(files, output)
    for file, target in targets.items():
        if target.exists() and file.exists() and target.samefile(file):
            raise VGGishError(
                f"{file} would be overwritten with its own embeddings. Choose another output."
            )
        if output.is_dir() or target == output:
            check_target(target, overwrite=overwrite)
    return targets


def _targets(files: Sequence[str | os.PathLike[str]], output: Path) -> dict[Path, Path]:
    if len(files) == 1 and output.suffix == ".npz":
        return {Path(files[0]): output}
    if output.suffix == ".npz":
        files_words = counted(len(files), "file")
        raise UsageError(f"{files_words} do not fit into {output}. Give a folder instead.")
    if not output.is_dir() and (output.exists() or output.suffix):
        raise UsageError(
            f"{output} is neither an .npz nor a folder. For one FILE name an .npz, for several a "
            "folder."
        )
    files_of: dict[Path, Path] = {}
    for file in map(Path, files):
        target = output / f"{file.stem}.npz"
        if target in files_of:
            raise UsageError(
                f"two files would be written to {target}. Rename one, or embed them in two calls."
            )
        files_of[target] = file
    return {file: target for target, file in files_of.items()}
