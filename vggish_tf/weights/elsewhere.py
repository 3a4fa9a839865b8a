"""Files of weights that other programs have fetched before: their caches on this machine.

Nothing is opened here, and nothing is written into a cache of another program.

Source: torch.hub.get_dir, torchaudio.utils.download_asset, tensorflow_hub's resolver (a folder is
named by the SHA-1 of its handle), kagglehub.
"""

import hashlib
import os
import tempfile
from pathlib import Path

from vggish_tf.weights.known import TF_HUB, TORCHAUDIO, KnownFile

HANDLES = ("https://tfhub.dev/google/vggish/1", "https://kaggle.com/models/google/vggish/1")


def find(file: KnownFile) -> Path | None:
    """The first cache with a file of that name, which need not be the known one."""
    return next((path for path in _places(file) if path.exists()), None)


def _places(file: KnownFile) -> list[Path]:
    if file == TF_HUB:
        return [_kagglehub(), *(_tf_hub() / _hashed(handle) for handle in HANDLES)]
    if file == TORCHAUDIO:
        return [_torch_hub() / "torchaudio" / "models" / file.filename]
    return [_torch_hub() / "checkpoints" / file.filename]


def _torch_hub() -> Path:
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "torch")
    return Path(os.environ.get("TORCH_HOME") or default).expanduser() / "hub"


def _tf_hub() -> Path:
    default = Path(tempfile.gettempdir(), "tfhub_modules")
    return Path(os.environ.get("TFHUB_CACHE_DIR") or default).expanduser()


def _hashed(handle: str) -> str:
    return hashlib.sha1(handle.encode(), usedforsecurity=False).hexdigest()


def _kagglehub() -> Path:
    default = Path.home() / ".cache" / "kagglehub"
    cache = Path(os.environ.get("KAGGLEHUB_CACHE") or default).expanduser()
    return cache / "models" / "google" / "vggish" / "tensorFlow2" / "vggish" / "1"
