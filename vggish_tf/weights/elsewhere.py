"""Files of weights in the caches of other programs on this machine.

Nothing is opened here, and nothing is written into a cache of another program.

Source: torch.hub.get_dir, torchaudio.utils.download_asset, tensorflow_hub's resolver (a folder is
named by the SHA-1 of its handle), kagglehub.
"""

import hashlib
import os
import tempfile
from pathlib import Path

from vggish_tf.weights.known import TF_HUB, TORCHAUDIO, KnownFile
from vggish_tf.weights.paths import expanded

TF_HUB_HANDLE = "https://tfhub.dev/google/vggish/1"


def find(file: KnownFile) -> Path | None:
    """The path in the first cache with a file of that name; its content is not checked."""
    return next((path for path in _places(file) if os.path.exists(path)), None)


def _places(file: KnownFile) -> list[Path]:
    if file == TF_HUB:
        return [_kagglehub(), _tf_hub()]
    if file == TORCHAUDIO:
        return [_torch_hub() / "torchaudio" / "models" / file.filename]
    return [_torch_hub() / "checkpoints" / file.filename]


def _torch_hub() -> Path:
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return expanded(os.environ.get("TORCH_HOME") or f"{caches}/torch") / "hub"


def _tf_hub() -> Path:
    cache = os.environ.get("TFHUB_CACHE_DIR") or f"{tempfile.gettempdir()}/tfhub_modules"
    return expanded(cache) / hashlib.sha1(TF_HUB_HANDLE.encode(), usedforsecurity=False).hexdigest()


def _kagglehub() -> Path:
    cache = expanded(os.environ.get("KAGGLEHUB_CACHE") or "~/.cache/kagglehub")
    return cache / "models" / "google" / "vggish" / "tensorFlow2" / "vggish" / "1"
