"""inspect(): prints a description of every stage of a recording, and writes an HTML page.

It reports the resampling and the energy that it removed, empty mel bins, and the weights.
Embeddings are computed only if weights are given. page.py writes the page.
"""

import os
import sys
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vggish_tf import audio, stages
from vggish_tf.embedding import Embedder
from vggish_tf.errors import CheckpointError
from vggish_tf.files import check_target
from vggish_tf.jobs.inspect import page, spectrum
from vggish_tf.model import Weights, describe_front_end
from vggish_tf.network.postprocess import Postprocessor
from vggish_tf.params import Params, hertz_to_mel
from vggish_tf.progress import note, show
from vggish_tf.rows import UNTRAINED, Stages
from vggish_tf.weights.identity import Identity

ENDINGS = (".html", ".htm")


class Report(NamedTuple):
    """A recording at every stage, and facts about it; print it."""

    title: str
    facts: dict[str, str]  # name → sentence
    stages: Stages
    original: spectrum.Spectrum  # of the unprocessed file

    def __str__(self) -> str:
        facts = (f"{name:15s} {text}" for name, text in self.facts.items())
        return "\n".join([*facts, *map(str, stages.describe(self.stages))])

    def write(self, path: str | os.PathLike[str]) -> None:
        """Writes the report as an HTML page.

        Raises:
            VGGishError: it cannot be written there.
        """
        page.write(path, self.title, self.facts, self.stages, self.original)
        note(f"wrote {path}")


class Network(NamedTuple):
    """The network and postprocessor to run, and facts about their weights for the report."""

    embedder: Embedder | None
    postprocessor: Postprocessor | None
    facts: dict[str, str]


def inspect(
    path: str | os.PathLike[str],
    *,
    params: Params | None = None,
    weights: Weights = None,
    pca: str | os.PathLike[str] = "audioset",
    output: str | os.PathLike[str] | None = None,
) -> Stages:
    """Runs a file through every stage, prints a line for each, and returns them all.

    Args:
        path: an audio file of any rate and channel count.
        params: front-end parameters. To keep a recording at its own rate, give that rate:
            Params(sample_rate=250_000, mel_max_hz=125_000).
        weights: "audioset", or the path of a checkpoint, for the embeddings; None leaves them out.
        pca: "audioset", or the path of PCA parameters, for the quantized embeddings. If they cannot
            be found or fetched, the report gives the reason.
        output: the path of the report, one self-contained HTML file; None writes no report.

    Returns:
        Stages: `waveform`, `stft_magnitude`, `mel_matrix`, `log_mel`, `examples`, `embedding`,
        `quantized`, `timestamps`, `params`; `embedding` and `quantized` are None without weights.

    Raises:
        AudioError: the file cannot be used.
        CheckpointError: the weights cannot be loaded, or do not fit the examples of `params`.
        UsageError: the report is not named .html.
        VGGishError: the report cannot be written.

    Example:
        >>> import tempfile, soundfile
        >>> file = tempfile.mkdtemp() + "/tone.wav"
        >>> soundfile.write(file, np.sin(2 * np.pi * 1000 * np.arange(48_000) / 48_000), 48_000)
        >>> result = inspect(file)
        file            tone.wav: 1.00 s at 48,000 Hz, 1 channel (WAV, PCM_16)
        ...
        >>> result.log_mel.shape
        (98, 64)
    """
    if output is not None:
        check_target(output, endings=ENDINGS)
    report = examine(path, params=params, weights=weights, pca=pca)
    show(str(report), sys.stdout)
    if output is not None:
        report.write(output)
    return report.stages


def examine(
    path: str | os.PathLike[str],
    *,
    params: Params | None = None,
    weights: Weights = None,
    pca: str | os.PathLike[str] = "audioset",
) -> Report:
    """Runs a file through every stage; see inspect()."""
    params, info = params or Params(), audio.audio_info(path)
    network = _network(weights, pca, params)
    waveform, sample_rate = audio.load_audio(path)
    original = spectrum.measure(audio.to_mono(waveform, sample_rate, sample_rate), sample_rate)
    result = stages.compute(
        waveform,
        sample_rate,
        params,
        embedder=network.embedder,
        postprocessor=network.postprocessor,
    )
    facts = _facts(Path(path), info, len(waveform), original, result) | network.facts
    return Report(Path(path).name, facts, result, original)


def _facts(
    path: Path, info: audio.AudioInfo, num_samples: int, original: spectrum.Spectrum, result: Stages
) -> dict:
    """Facts about the file and the front end: name → sentence."""
    params, rate = result.params, info.sample_rate
    num_channels = info.num_channels
    channels = "1 channel" if num_channels == 1 else f"the mean of {num_channels} channels"
    length = f"{num_samples / rate:.2f} s at {rate:,} Hz"
    lowest, highest = params.mel_min_hz, params.mel_max_hz
    covered = _of_the_energy(original.share(lowest, highest))
    return {
        "file": f"{path.name}: {length}, {channels} ({info.format}, {info.subtype})",
        "resampling": _resampling(rate, original, params),
        "padding": _padding(num_samples / rate, params),
        "mel bins": f"cover {lowest:,g} to {highest:,g} Hz: {covered} of the file",
        "empty mel bins": _empty_mel_bins(params),
    }


def _empty_mel_bins(params: Params) -> str:
    if not params.empty_mel_bins:
        return "none"
    bins = ", ".join(map(str, params.empty_mel_bins))
    value = f"ln({params.log_offset:g})"
    return f"{bins}: no FFT bin falls into them, so they are {value} for any sound"


def _resampling(rate: int, original: spectrum.Spectrum, params: Params) -> str:
    """The resampling, and the energy that it removed."""
    if rate == params.sample_rate:
        return f"none: {rate:,} Hz is the rate of the front end"
    changed = f"{rate:,} → {params.sample_rate:,} Hz (soxr HQ)"
    nyquist = params.sample_rate / 2
    if rate > params.sample_rate:
        removed = _of_the_energy(original.share(np.nextafter(nyquist, np.inf)))
        limit = f"the new Nyquist frequency, {nyquist:,g} Hz"
        return f"{changed} removed all sound above {limit}: {removed}"
    above = np.flatnonzero(params.mel_edges[:-2] >= hertz_to_mel(rate / 2))
    bins = f", so mel bins {above[0]} to {above[-1]} are nearly empty" if len(above) else ""
    return f"{changed} removed nothing; above {rate / 2:,g} Hz there is no sound{bins}"


def _of_the_energy(share: float) -> str:
    return "nothing" if not share else f"{spectrum.decibels(share)} of the energy"


def _padding(seconds: float, params: Params) -> str:
    needed = params.min_samples / params.sample_rate
    if seconds >= needed:
        return "none"
    return f"with silence, from {seconds:g} to {needed:g} s, to fill one example"


def _network(weights: Weights, pca: str | os.PathLike[str], params: Params) -> Network:
    if weights is None:
        return Network(None, None, {"weights": "none given: no embeddings"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the facts contain it
        embedder = Embedder(weights, params=params)
    facts = {"weights": _describe_weights(embedder.identity)}
    if note := describe_front_end(weights, params):
        facts["front end"] = note.removeprefix("the front end is ")
    try:
        return Network(embedder, Postprocessor(weights=pca), facts)
    except CheckpointError as error:
        facts["not quantized"] = f"without PCA parameters: {error}"
        return Network(embedder, None, facts)


def _describe_weights(identity: Identity) -> str:
    return f"{identity}: {UNTRAINED}" if identity.untrained else str(identity)
