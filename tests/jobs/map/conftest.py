"""An archive of random rows whose files are there, with names that a page must escape."""

import archives
import numpy as np
import pytest
import soundfile

RATE = 16_000
FILES = (
    *("sea/waves.wav", "sea/deep & <b>blue</b>.wav", 'birds/owl "ü音" #1?.wav'),
    *("birds/</script><script>alert(1)</script>.wav".replace("</", "<∕"), "birds/it's 100%.wav"),
)
ROWS = 8  # of each file


@pytest.fixture(scope="package")
def machine(tmp_path_factory):
    """A folder with `sounds`, two seconds of a tone more than its rows each, and `rows.parquet`."""
    folder = tmp_path_factory.mktemp("machine")
    rows = archives.clusters(len(FILES) * ROWS, seed=3)
    rows[9] = rows[3]  # as near as can be
    clips = []
    for number, name in enumerate(FILES):
        path = folder / "sounds" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        time = np.arange(round((ROWS * archives.SECONDS + 2) * RATE)) / RATE
        tone = 0.3 * np.sin(2 * np.pi * (300 + 200 * number) * time)
        soundfile.write(path, tone, RATE, subtype="PCM_16")
        part = rows[number * ROWS : (number + 1) * ROWS]
        clips.append(archives.clip(f"sounds/{name}", part))
    archives.written(folder / "rows.parquet", clips)
    return folder
