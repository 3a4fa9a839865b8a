"""Upstream's modules by their own names: scripts for tensorflow/models change only their imports.

`mel_features`, `vggish_params`, `vggish_input`, `vggish_postprocess` and `vggish_slim` have the
functions, arguments, defaults, return types and error conditions of research/audioset/vggish: NumPy
in float64, and a TF1 graph in tf-slim. Tests compare the Keras layers with them, and old scripts
can use them. New code should use `vggish_tf.VGGish` and `vggish_tf.Embedder`, which are faster.
Only tests, `verify` and export's named-tensor graph import this package.

For valid input the results are upstream's. The differences are:

- Fewer samples than a window less a hop (240 at the defaults) gave a negative number of frames, and
  an error about negative dimensions. Here they raise an AudioError with the number of samples
  received and needed.
- With an example hop shorter than its window, too few frames for one example failed in the same
  way. Here they give zero examples, (0, 96, 64), as upstream does at its default hop.
- `waveform_to_examples` refuses channels first: upstream took the mean over time, without a
  warning. It refuses integers: upstream used 16-bit numbers as samples that are 32,768 times too
  loud. The functions of `mel_features` still accept them, unscaled. It refuses NaN and infinite
  samples, which gave invalid embeddings.
- `stft_magnitude` refuses more than one channel, and `frame` a window or hop under 1, which read
  memory outside the array.
- `wavfile_to_examples` reads every format and sample width that `vggish_tf.load_audio` reads, not
  only 16-bit WAV, from a path or from an open file. `vggish_tf.load_audio` also replaces
  `vggish_input.wav_read`.
- Other rates are resampled with soxr, in float32; upstream used resampy, whose low-pass filter
  removes more.
- A warning names the mel bins that no FFT bin falls into.
- `define_vggish_slim` refuses a boolean for `features_tensor`, which training scripts from before
  that argument pass.
- `load_vggish_slim_checkpoint` uses the graph of the session, not the default graph.

Example:
    >>> from vggish_tf.reference import mel_features
    >>> mel_features.spectrogram_to_mel_matrix().shape
    (129, 20)

Source: tensorflow/models research/audioset/vggish, as of 2023; written again from its description.
"""

from importlib import import_module

__all__ = ["mel_features", "vggish_input", "vggish_params", "vggish_postprocess", "vggish_slim"]


def __getattr__(name: str):
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
