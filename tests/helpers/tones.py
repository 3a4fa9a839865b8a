"""A folder of tones under names that a page must escape, and an archive of random rows of them."""

import archives
import numpy as np
import soundfile

RATE = 16_000
FILES = (
    *("sea/waves.wav", "sea/deep & <b>blue</b>.wav".replace("</", "<∕"), "birds/it's 100%.wav"),
    *('birds/owl "ü音" #1?.wav', "birds/<script>alert(1)<∕script>.wav"),
)
HERTZ = tuple(300 + 200 * number for number in range(len(FILES)))
ROWS = 8  # of each file
COUNT = len(FILES) * ROWS


def write(folder):
    """Writes `sounds`, of each file two seconds more than its rows, and `rows.parquet`."""
    rows = archives.clusters(COUNT, seed=3)
    rows[9] = rows[3]
    seconds = np.arange(round((ROWS * archives.SECONDS + 2) * RATE)) / RATE
    clips = []
    for number, name in enumerate(FILES):
        path = folder / "sounds" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        tone = 0.3 * np.sin(2 * np.pi * HERTZ[number] * seconds)
        soundfile.write(path, tone, RATE, subtype="PCM_16")
        part = rows[number * ROWS : (number + 1) * ROWS]
        clips.append(archives.clip(f"sounds/{name}", part))
    archives.written(folder / "rows.parquet", clips)


def file_of(number: int) -> str:
    """The file of a row."""
    return FILES[number // ROWS]


def start_of(number: int) -> float:
    return float((np.arange(ROWS) * archives.SECONDS)[number % ROWS])
