"""A folder of tones and an archive of them."""

import pytest
import tones


@pytest.fixture(scope="package")
def machine(tmp_path_factory):
    """See tones.write()."""
    folder = tmp_path_factory.mktemp("machine")
    tones.write(folder)
    return folder
