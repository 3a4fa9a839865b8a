"""Every file of VGGish's weights that is known to be published: address, digest, format, licence.

`REGISTRY` has the two files that the package uses by name, and `STAND_INS` the files with the same
weights that may take their place. The other files are listed so that `verify` can name them and
`fetch --list` can give their addresses. A digest that nobody has published is "". No file is opened
here.

Source: tensorflow/models research/audioset/vggish/README.md for the addresses. Three public
projects agree on the SHA-256 and the size of the checkpoint; none gives its MD5 beside them. For
each other file, the program that it belongs to.
"""

from dataclasses import dataclass

BASE_URL = "https://storage.googleapis.com/audioset/"
TORCHVGGISH_URL = "https://github.com/harritaylor/torchvggish/releases/download/v0.1/"
W_HC_URL = "https://github.com/w-hc/vggish/releases/download/v0.1/"
ESSENTIA_URL = "https://essentia.upf.edu/models/feature-extractors/vggish/"
GOOGLE_LICENCE = "Apache-2.0 (the code; the weights are Google's)"
NOT_STATED = "not stated"


@dataclass(frozen=True)
class KnownFile:
    """A published file. A file of the right size with either digest counts as this one.

    Args:
        filename: the name of the file; of a SavedModel, of its folder.
        url: the address.
        source: the publisher.
        format, contents: what is in the file, and in which format.
        activation: of the embedding, in the publisher's program; the weights do not depend on it.
        licence: the licence of the file.
        md5, sha256: in hex, "" if nobody has published them; a SHA-256 may be its first digits.
        num_bytes: the size; 0 if nobody has published it.
        without: advice for the error message if the file cannot be fetched.
    """

    filename: str
    url: str
    source: str
    format: str
    contents: str
    activation: str = "none"
    licence: str = GOOGLE_LICENCE
    md5: str = ""
    sha256: str = ""
    num_bytes: int = 0
    without: str = ""

    def has_digest(self, md5: str, sha256: str) -> bool:
        """True if one of the digests is this file's."""
        has_sha256 = bool(self.sha256) and sha256.startswith(self.sha256)
        return has_sha256 or (bool(self.md5) and self.md5 == md5)


REGISTRY: dict[str, KnownFile] = {
    "audioset": KnownFile(
        filename="vggish_model.ckpt",
        url=BASE_URL + "vggish_model.ckpt",
        source="Google",
        format="TF1 V1 checkpoint",
        contents="the weights of the network",
        md5="d1c7011e6366aa34176bb05c705e31a8",
        sha256="0962b1914e3e053922d957c45bc84a78c985765641dc6bceeeb3a7d8dfecfdf6",
        num_bytes=291_108_469,
        without=" To try the program without it, on untrained weights: vggish-tf demo, "
        "vggish-tf embed --untrained, or Embedder(None).",
    ),
    "audioset_pca": KnownFile(
        filename="vggish_pca_params.npz",
        url=BASE_URL + "vggish_pca_params.npz",
        source="Google",
        format="npz",
        contents="the PCA matrix and means of the postprocessor",
        activation="",
        md5="c80cae691033abe7c7ecd11ea39fc834",
        sha256="4d878af3e306defbfb37095365aa7e5a6cecb86bad13e859e626151c4e6a8b9d",
        num_bytes=73020,
    ),
}

TORCHVGGISH = KnownFile(
    filename="vggish-10086976.pth",
    url=TORCHVGGISH_URL + "vggish-10086976.pth",
    source="torchvggish",
    format="PyTorch state_dict",
    contents="the weights of the network, ported",
    activation="ReLU",
    licence="Apache-2.0",
    sha256="10086976245803799d9194e9a73d9b6c1549c71d1b80106f5cade5608a561f4b",
    num_bytes=288_567_937,
)

# name → files with the same values, which may take the place of the published one
STAND_INS: dict[str, tuple[KnownFile, ...]] = {"audioset": (TORCHVGGISH,), "audioset_pca": ()}

TORCHAUDIO = KnownFile(
    filename="vggish.pt",
    url="https://download.pytorch.org/torchaudio/models/vggish.pt",
    source="torchaudio",
    format="PyTorch state_dict",
    contents="the weights of the network, ported",
    activation="ReLU",
    licence="BSD-2-Clause, Apache-2.0",
)
TF_HUB = KnownFile(
    filename="vggish",
    url="https://storage.googleapis.com/tfhub-modules/google/vggish/1.tar.gz",
    source="TF-Hub, Kaggle",
    format="SavedModel",
    contents="waveform → embedding",
    licence="Apache-2.0",
)
OTHERS = (
    TORCHAUDIO,
    TF_HUB,
    KnownFile(
        filename="vggish_pca_params-970ea276.pth",
        url=TORCHVGGISH_URL + "vggish_pca_params-970ea276.pth",
        source="torchvggish",
        format="PyTorch pickle of arrays",
        contents="the PCA matrix and means",
        activation="",
        licence="Apache-2.0",
        sha256="970ea276",
        num_bytes=181_358,
    ),
    KnownFile(
        filename="vggish_orig.pth",
        url=W_HC_URL + "vggish_orig.pth",
        source="w-hc/vggish",
        format="PyTorch state_dict",
        contents="the weights of the network, ported",
        activation="ReLU",
        licence=NOT_STATED,
    ),
    KnownFile(
        filename="vggish_with_classifier.pth",
        url=W_HC_URL + "vggish_with_classifier.pth",
        source="w-hc/vggish",
        format="PyTorch state_dict",
        contents="the same and a classifier of 527 classes",
        activation="ReLU",
        licence=NOT_STATED,
    ),
    KnownFile(
        filename="audioset-vggish-3.pb",
        url=ESSENTIA_URL + "audioset-vggish-3.pb",
        source="Essentia",
        format="frozen graph",
        contents="examples → embedding",
        licence="CC BY-NC-SA 4.0",
        sha256="609458111eae0f1f608627be21b041d4bcf8eff98dcaaa4e55380b6e0ea5e2d0",
    ),
    KnownFile(
        filename="audioset-vggish-3.onnx",
        url=ESSENTIA_URL + "audioset-vggish-3.onnx",
        source="Essentia",
        format="ONNX",
        contents="examples → embedding",
        licence="CC BY-NC-SA 4.0",
        sha256="b0b7db5247b20b8db66aae82bdfb4a298d38a34df200dd19b2de355227c8dd49",
    ),
    KnownFile(
        filename="vggish.onnx",
        url="https://storage.googleapis.com/ailia-models/vggish/vggish.onnx",
        source="ailia",
        format="ONNX",
        contents="examples → embedding, from torchvggish",
        activation="ReLU",
        licence=NOT_STATED,
    ),
    KnownFile(
        filename="vggish_audioset_weights.h5",
        url="https://github.com/DTaoo/VGGish (a link in its README)",
        source="DTaoo",
        format="Keras 2 weights",
        contents="the weights of the network, ported",
        activation="ReLU",
        licence=NOT_STATED,
    ),
    KnownFile(
        filename="vggish_audioset_weights_without_fc2.h5",
        url="https://github.com/DTaoo/VGGish (a link in its README)",
        source="DTaoo",
        format="Keras 2 weights",
        contents="the convolutions alone: no embedding",
        activation="",
        licence=NOT_STATED,
    ),
    KnownFile(
        filename="audioset_weights.h5",
        url="https://github.com/beasteers/VGGish (fetched by the package vggish-keras)",
        source="vggish-keras",
        format="Keras 2 weights",
        contents="the weights of the network, ported, and PCA parameters",
        activation="ReLU",
        licence=NOT_STATED,
    ),
    KnownFile(
        filename="VGGishFeatureEmbedding-v1.h5",
        url="https://docs-assets.developer.apple.com/turicreate/models/VGGishFeatureEmbedding-v1.h5",
        source="Turi Create",
        format="Keras 2 weights",
        contents="the convolutions alone: no embedding",
        activation="",
        licence="BSD-3-Clause",
        md5="1ae04d42492703e75fa79304873c642a",
    ),
)


def files() -> list[KnownFile]:
    """All known files, those that the package uses first."""
    stand_ins = [file for files in STAND_INS.values() for file in files]
    return [*REGISTRY.values(), *stand_ins, *OTHERS]
