"""Upstream's modules by their own names: scripts for tensorflow/models change only their imports.

`mel_features`, `vggish_params`, `vggish_input`, `vggish_postprocess` and `vggish_slim` have the
functions, arguments, defaults, return types and error conditions of research/audioset/vggish: NumPy
in float64, and a TF1 graph in tf-slim. They are the oracle of the Keras layers and the bridge for
old code; new code has `vggish_tf.VGGish` and `vggish_tf.Embedder`, which are faster. Nothing but
tests, `verify` and export's named-tensor graph imports this package.

Where it differs from upstream; for valid input the result is upstream's:

- Fewer samples than a window less a hop (240 at the defaults) made a negative number of frames and
  an error about negative dimensions. Here they raise an AudioError with the number of samples
  received and needed.
- With an example hop shorter than its window, too few frames for one example failed in the same
  way. Here they give zero examples, (0, 96, 64), as upstream does at its default hop.
- `waveform_to_examples` refuses channels first: upstream took the mean over time, without a word.
  It refuses integers: upstream took 16-bit numbers for samples 32,768 times too loud; the functions
  of `mel_features` still take them, as the raw data that they are. It refuses NaN and infinite
  samples, which ran through to the embedding.
- `stft_magnitude` refuses more than one channel, and `frame` a window or hop under 1, which read
  foreign memory.
- `wavfile_to_examples` reads every format and sample width that `vggish_tf.load_audio` reads, not
  16-bit WAV alone, from a path or from an open file; that function stands for
  `vggish_input.wav_read`, too.
- Other rates are resampled with soxr, in float32; upstream used resampy, which removes more than it
  must.
- Mel bins that no FFT bin falls into are named in a warning.
- `define_vggish_slim` refuses a boolean for `features_tensor`. Training scripts from before that
  argument pass one.
- `load_vggish_slim_checkpoint` looks in the graph of the session, not in the default graph.

Example:
    >>> from vggish_tf.reference import mel_features
    >>> mel_features.spectrogram_to_mel_matrix().shape
    (129, 20)

Source: tensorflow/models research/audioset/vggish, as of 2023; written anew from its description.
"""

from importlib import import_module

__all__ = ["mel_features", "vggish_input", "vggish_params", "vggish_postprocess", "vggish_slim"]


def __getattr__(name: str):
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
