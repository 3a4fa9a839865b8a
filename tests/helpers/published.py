"""A small checkpoint, and the PCA parameters, in the places of the published files."""

import dataclasses
from pathlib import Path

from vggish_tf.weights import registry


def stand_in(cache: Path, checkpoint: Path, pca: Path | None = None, setitem=dict.__setitem__):
    """Puts the files into a cache, where the checkpoint passes for the published one."""
    published = registry.REGISTRY["audioset"]
    size, md5 = checkpoint.stat().st_size, registry.md5_of(checkpoint)
    mine = dataclasses.replace(published, md5=md5, sha256=None, num_bytes=size)
    setitem(registry.REGISTRY, "audioset", mine)
    for source, name in ((checkpoint, published.filename), (pca, "vggish_pca_params.npz")):
        if source and not (cache / name).exists():
            (cache / name).symlink_to(source)
