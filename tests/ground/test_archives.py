"""Zip files that anybody may have made, and an npz of embeddings that is damaged."""

import contextlib
import io
import zipfile

import numpy as np
import pytest

from vggish_tf.archives import read_member
from vggish_tf.errors import VGGishError
from vggish_tf.formats import npz


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 100_000])
def test_a_member_is_read_up_to_the_byte(size, method):
    content = np.random.default_rng(0).bytes(size)
    with zipfile.ZipFile(io.BytesIO(), "w", method) as archive:
        archive.writestr("a", content)
        assert read_member(archive, "a", most=size) == content
        if size:
            with pytest.raises(ValueError, match=rf"a in it unpacks to {size:,} bytes; at most"):
                read_member(archive, "a", most=size - 1)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_of_another_method_is_refused(method):
    with zipfile.ZipFile(io.BytesIO(), "w", method) as archive:
        archive.writestr("a", b"")
        with pytest.raises(ValueError, match="packed by a method that is neither deflate nor none"):
            read_member(archive, "a", most=1)


@pytest.mark.parametrize("seed", range(100))
def test_a_damaged_npz_of_embeddings_is_one_error(seed, tmp_path):
    path = tmp_path / "clip.npz"
    rows = np.random.default_rng(0).normal(size=(3, 128))
    np.savez_compressed(path, embedding=rows, timestamps=np.zeros(3), provenance="{}")
    content, generator = bytearray(path.read_bytes()), np.random.default_rng(seed)
    start = int(generator.integers(len(content)))
    content[start : start + 4] = generator.bytes(len(content[start : start + 4]))
    path.write_bytes(content)
    with contextlib.suppress(VGGishError):  # and nothing else
        np.testing.assert_array_equal(npz.read(path)[0], rows)  # a date in the zip may be wrong
