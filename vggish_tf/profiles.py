"""Profiles: published pipelines, as records of their steps before and after the network.

They explain why two programs with the same weights give different numbers. The package never tests
for the name of a profile, so a new profile is only a record, here or in your own code.

    Embedder(profile="fadtk")
    Embedder(profile=Profile("mine", resampler="julius", activation="relu"))

Source: the code of each program, at the version that the record names; docs/profiles.md describes
the differences.
"""

from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Literal

from vggish_tf.audio.preparation import Preparation
from vggish_tf.errors import UsageError, check_argument, check_word
from vggish_tf.params import Params
from vggish_tf.rows import POOLS, Pool, Rounding

MEAN = "mean of channels"
HALF_SECONDS = Params(example_hop_seconds=0.5)


@dataclass(frozen=True)
class Profile:
    """A pipeline from decoded sound to embeddings, apart from the weights.

    Args:
        name: the name, which archives record.
        program: the program and its version.
        decoded, resampler, resampled: steps before the front end; see audio.Preparation.
        params: the front end's parameters.
        triangles: the mel filters; see transforms.mel_matrix.
        pad: the rule for an incomplete last example; see framing.padded_length.
        activation: None, or "relu" before the post-processing.
        postprocess: None, "pca" or "quantized".
        rounding: None; "float16"; or "bytes": whitened rows as whole numbers from 0 to 255, rounded
            to the nearest, whereas the published post-processing truncates.
        pool: how archives pool the rows of a clip: None keeps all rows, "mean" is their mean, "max"
            their maximum, "mean+std" their mean and standard deviation.
        remark: further facts about the program.

    Raises:
        UsageError: a word is unknown, or the rounding does not go with the post-processing.

    Example:
        >>> Profile("mine", activation="relu").changes()
        {'activation': 'relu'}
    """

    name: str
    program: str = field(default="", compare=False)
    decoded: tuple[str, ...] = (MEAN,)
    resampler: str = "soxr"
    resampled: tuple[str, ...] = ()
    params: Params = Params()
    triangles: Literal["mel", "hertz"] = "mel"
    pad: Literal["never", "short", "always"] = "short"
    activation: Literal["relu"] | None = None
    postprocess: Literal["pca", "quantized"] | None = None
    rounding: Rounding = None
    pool: Pool | None = None
    remark: str = field(default="", compare=False)

    def __post_init__(self):
        check_argument("name", self.name, isinstance(self.name, str) and bool(self.name), "a name")
        check_argument("params", self.params, isinstance(self.params, Params), "Params")
        for name, words in WORDS.items():
            check_word(name, getattr(self, name), words)
        for name in ("decoded", "resampled"):  # lists come from archives
            object.__setattr__(self, name, getattr(self.prepare, name))
        if self.rounding not in ROUNDINGS[self.postprocess]:
            raise UsageError(
                f"rounding={self.rounding!r} does not go with postprocess={self.postprocess!r}. "
                f"Profile {self.name!r} has it: choose another profile, or leave out one of them."
            )

    @cached_property
    def prepare(self) -> Preparation:
        """The steps before the front end."""
        return Preparation(self.decoded, self.resampler, self.resampled)

    def changes(self) -> dict[str, Any]:
        """The steps that differ from the default profile, in the order of the data.

        Example:
            >>> list(PROFILES["fadtk"].changes())
            ['resampler', 'resampled', 'pad', 'rounding']
        """
        default = Profile(self.name)
        mine = {each.name: getattr(self, each.name) for each in fields(self) if each.compare}
        return {name: mine[name] for name in mine if mine[name] != getattr(default, name)}

    def given(self, **steps: Any) -> "Profile":
        """A copy with other steps; None keeps a step.

        Example:
            >>> PROFILES["fadtk"].given(pad="always", postprocess=None).pad
            'always'
        """
        return replace(self, **{name: step for name, step in steps.items() if step is not None})

    @property
    def provenance(self) -> dict[str, Any]:
        """The steps, as in the provenance of rows; of() reads them."""
        own = {"pad": self.pad, "postprocess": self.postprocess}
        return {"profile": self.as_json(), "params": asdict(self.params), **own}

    @classmethod
    def of(cls, provenance: dict) -> "Profile":
        """The profile of rows, from their provenance.

        Raises:
            KeyError, TypeError: the provenance lacks a step.
        """
        own = {name: provenance[name] for name in ("pad", "postprocess")}
        params, pool = Params(**provenance["params"]), provenance.get("pool")
        return cls(**recorded(provenance), **own, params=params, pool=pool)

    def as_json(self) -> dict[str, Any]:
        """The steps as under `profile` in a provenance, which has some under their own names.

        Example:
            >>> PROFILES["tf-2017"].as_json()["activation"]
            'relu'
        """
        apart = {"params", "pad", "postprocess", "pool"}
        names = [each.name for each in fields(self) if each.compare and each.name not in apart]
        steps = {name: getattr(self, name) for name in names}
        return {**steps, "decoded": [*self.decoded], "resampled": [*self.resampled]}


WORDS = {
    "triangles": ("mel", "hertz"),
    "pad": ("never", "short", "always"),
    "activation": (None, "relu"),
    "postprocess": (None, "pca", "quantized"),
    "rounding": (None, "float16", "bytes"),
    "pool": (None, *POOLS),
}
ROUNDINGS = {None: (None, "float16"), "pca": (None, "float16", "bytes"), "quantized": (None,)}
PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            "tf-2020",
            "tensorflow/models since 2020-08-10",
            remark="the default; upstream reads 16 bits, resamples with resampy, drops short clips",
        ),
        Profile("tf-2017", "tensorflow/models until 2020-08-10", activation="relu"),
        Profile("audioset", "the released AudioSet features", postprocess="quantized"),
        Profile(
            "torchvggish",
            "torchvggish f3f9096, as torch.hub loads it",
            decoded=("cut to 16 bits", MEAN),
            resampler="resampy",
            pad="never",
            activation="relu",
            postprocess="pca",
            rounding="bytes",
            remark="of files; arrays are not cut to 16 bits, and one row comes as (128,) there",
        ),
        Profile(
            "google-fad",
            "google-research frechet_audio_distance, 2020",
            decoded=("one channel",),
            resampler="none",
            resampled=("maximum 1", "whole half seconds"),
            params=HALF_SECONDS,
            pad="never",
            remark="16-bit WAV at 16 kHz; with tf-slim before 2020-08 it had a ReLU",
        ),
        Profile(
            "audiocraft",
            "audiocraft 1.3.0",
            resampler="julius",
            resampled=("peak -1 dB", "rounded to 16 bits", "maximum 1", "whole half seconds"),
            params=HALF_SECONDS,
            pad="never",
            remark="calls google-fad; mixes the channels after resampling, which is the same",
        ),
        Profile(
            "fadtk",
            "fadtk 1.1.0",
            resampler="torchaudio-kaiser",
            resampled=("cut to 16 bits", "at least 1 s"),
            pad="never",
            rounding="float16",
        ),
        Profile(
            "kadtk",
            "kadtk 1.1.0",
            resampler="torchaudio-kaiser",
            resampled=("cut to 16 bits",),
            pad="never",
            rounding="float16",
        ),
        Profile(
            "gudgud96",
            "frechet-audio-distance 0.3.4",
            resampler="resampy",
            pad="never",
            remark="a clip without rows ends its list of files silently there",
        ),
        Profile(
            "audioldm-eval",
            "audioldm_eval 0.0.3",
            decoded=("first channel", "without DC"),
            resampler="torchaudio-hann",
            resampled=("at least 2 s",),
            pad="never",
            remark="a file that cannot be read is replaced by the next one there",
        ),
        Profile(
            "openmic",
            "openmic-2018 e0c25c6",
            decoded=(MEAN, "peak 1"),
            resampler="resampy",
            pad="never",
            activation="relu",
            postprocess="quantized",
            remark="arrays keep their level there",
        ),
        Profile(
            "hear-baseline",
            "hearbaseline 2021.1.1",
            pad="never",
            activation="relu",
            postprocess="pca",
            rounding="bytes",
            remark="takes 16 kHz; other rates are resampled by soxr here",
        ),
        Profile(
            "video-features",
            "video_features a2f61b7 (v-iashin)",
            decoded=("cut to 16 bits", MEAN),
            resampler="resampy",
            pad="never",
            activation="relu",
        ),
        Profile(
            "torchaudio",
            "torchaudio 2.1 to 2.8, prototype.pipelines.VGGISH",
            decoded=("one channel",),
            resampler="torchaudio-hann",
            pad="never",
            activation="relu",
            remark="takes 16 kHz; other rates are resampled by torchaudio's default here",
        ),
        Profile(
            "mteb",
            "mteb 2.24.1, torch-vggish-yamnet 0.2.1",
            resampler="torchaudio-hann",
            resampled=("at most 30 s", "peak at most 1", "at least 0.96 s", "mirrored 12.5 ms"),
            params=Params(log_offset=0.001),
            triangles="hertz",
            pad="never",
            activation="relu",
            pool="mean",
            remark="WRONG: not the front end that the weights were trained on; fixed in 2.24.7",
        ),
    )
}
DEFAULT = "tf-2020"


def named(profile: str | Profile) -> Profile:
    """A profile by its name; a Profile is returned unchanged.

    Raises:
        UsageError: there is no such name.

    Example:
        >>> named("tf-2017").activation
        'relu'
    """
    if isinstance(profile, Profile):
        return profile
    check_word("profile", profile, tuple(PROFILES))
    return PROFILES[profile]


def recorded(provenance: dict) -> dict:
    """The steps under `profile` in a provenance; in one older than profiles, the default's.

    Example:
        >>> recorded({"pad": "short"})["name"]
        'tf-2020'
    """
    return provenance.get("profile") or PROFILES[DEFAULT].as_json()
