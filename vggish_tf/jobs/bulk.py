"""Many files → one npz each. Bad files are named and left out; the rest is written."""

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from vggish_tf.embedding import Embedder
from vggish_tf.errors import AudioError, VGGishError
from vggish_tf.files import check_target, make_folder
from vggish_tf.formats import npz


def embed_archive(
    files: Sequence[str | os.PathLike[str]], output: str | os.PathLike[str], embedder: Embedder
) -> dict[Path, Path]:
    """Embeds files, shows progress, and prints a line for each; batches are shared across files.

    Args:
        files: audio of any rate, channel count and format.
        output: an `.npz` path for one file; for several, a folder, which gets one `.npz` a file by its name.
        embedder: whose provenance goes into each npz.

    Returns:
        The npz of each file.

    Raises:
        AudioError: files that could not be embedded, after the others were written.
        VGGishError: an output cannot be written, or two files would share one; nothing was done.
    """
    targets = plan(files, output)
    if Path(output).suffix != ".npz":
        make_folder(output)
    failures = []
    results = embedder.embed_files(targets, return_errors=len(targets) > 1)
    with tqdm(total=len(targets), unit="file", disable=None, leave=False) as bar:
        for (file, target), result in zip(targets.items(), results, strict=True):
            bar.update()
            if isinstance(result, AudioError):
                failures.append(result)
                bar.write(str(result), file=sys.stderr)
                continue
            npz.write(target, result, {**embedder.provenance, "audio": file.name})
            with contextlib.suppress(BrokenPipeError):  # nobody reads on, but the work is still wanted
                bar.write(f"{file} → {target}: {len(result.embedding)} rows")
    if failures:
        raise AudioError(f"{len(failures)} of {len(targets)} files could not be embedded; the rest was written.")
    return targets


def plan(files: Sequence[str | os.PathLike[str]], output: str | os.PathLike[str]) -> dict[Path, Path]:
    """Which npz each file gets, checked before any work starts; see embed_archive.

    Example:
        >>> plan(["a.wav"], "a.npz")
        {PosixPath('a.wav'): PosixPath('a.npz')}
    """
    output = Path(output)
    targets = _targets(files, output)
    for file, target in targets.items():
        if target.exists() and file.exists() and target.samefile(file):
            raise VGGishError(f"{file} would be overwritten with its own embeddings. Choose another output.")
        if output.is_dir() or target == output:
            check_target(target)
    return targets


def _targets(files: Sequence[str | os.PathLike[str]], output: Path) -> dict[Path, Path]:
    if len(files) == 1 and output.suffix == ".npz":
        return {Path(files[0]): output}
    if output.suffix == ".npz":
        raise VGGishError(f"{len(files)} files do not fit into {output}. Give a folder instead.")
    if not output.is_dir() and (output.exists() or output.suffix):
        raise VGGishError(f"{output} is neither an .npz nor a folder. For one FILE name an .npz, for several a folder.")
    targets: dict[Path, Path] = {}
    for file in map(Path, files):
        target = output / f"{file.stem}.npz"
        if target in targets.values():
            raise VGGishError(f"two files would be written to {target}. Rename one, or embed them in two calls.")
        targets[file] = target
    return targets
