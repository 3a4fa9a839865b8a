"""The front end as Keras layers: waveform → STFT magnitude → log-mel → examples.

    StftMagnitude        (batch, num_samples)      → (batch, frames, fft bins)
    LogMel               (batch, frames, fft bins) → (batch, frames, mel bins)
    FrameExamples        (batch, frames, mel bins) → (batch, examples, 96, mel bins)
    WaveformToExamples   (batch, num_samples)      → (batch, examples, 96, mel bins)

The last applies the three others. The batch axis may be left out. The output is float32 under every
dtype policy: bfloat16 loses the quiet parts of a log-mel spectrogram. Resampling and mixing of
channels belong to audio/.

Source: tensorflow/models research/audioset/vggish, mel_features.py and vggish_input.py, rewritten
with keras.ops.
"""

import math
from dataclasses import asdict

import keras
import numpy as np
from keras import ops

from vggish_tf.errors import AudioError, check_word
from vggish_tf.frontend.framing import (
    PADS,
    Pad,
    check_one_length,
    count_examples,
    count_frames,
    padded_length,
)
from vggish_tf.frontend.transforms import TRANSFORMS, TRIANGLES, Transform, Triangles, mel_matrix
from vggish_tf.params import Params

# Added under the square root, which has no finite slope at 0: silence would have NaN gradients. The
# smallest normal float32 is 1e-19 after the root, far below the published log_offset. (A maximum
# would work too, but LiteRT's drops NaN.)
TINY_POWER = float(np.finfo(np.float32).tiny)
_LARGEST = float(np.finfo(np.float32).max)


class FrontEndLayer(keras.layers.Layer):
    """Base of the front-end layers: float32 always, and Params in the config."""

    def __init__(self, params: Params | dict | None = None, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.params = Params(**params) if isinstance(params, dict) else params or Params()

    def get_config(self) -> dict:
        return {**super().get_config(), "params": asdict(self.params)}


@keras.saving.register_keras_serializable(package="vggish_tf")
class StftMagnitude(FrontEndLayer):
    """Magnitude of the STFT, with a periodic Hann window, no centring and no padding.

    Args:
        params: front-end parameters, if not the published ones.
        transform: "rfft" is the fast Fourier transform, in float64. "matrix" multiplies by the
            windowed cosines and sines, in float32: it is slower, its log-mel differs by up to 1e-5,
            and it runs everywhere. From "rfft" the ONNX converter makes an invalid file without an
            error, and LiteRT has no such operation in float64.

    Input shape:  (batch, num_samples) or (num_samples,) float32
    Output shape: (batch, frames, fft_length / 2 + 1) or without the batch; zero frames for fewer
    than `window_length` samples

    Raises:
        UsageError: `transform` is neither of the two.
        AudioError: the waveform has integers or is ragged.

    Example:
        >>> tuple(StftMagnitude()(keras.ops.zeros((1, 16_000))).shape)
        (1, 98, 257)

    Source: mel_features.stft_magnitude.
    """

    def __init__(self, params=None, *, transform: Transform = "rfft", **kwargs):
        super().__init__(params, **kwargs)
        check_word("transform", transform, tuple(TRANSFORMS))
        self.transform = transform

    def __call__(self, waveform, *args, **kwargs):
        check_one_length(waveform)  # before Keras converts it to a tensor
        return super().__call__(waveform, *args, **kwargs)

    def call(self, waveform):
        dtype = keras.backend.standardize_dtype(waveform.dtype)
        if not keras.backend.is_float_dtype(dtype):
            raise AudioError(
                f"waveform must be floating point in [-1, 1]; received {dtype}. Scale it first."
            )
        params = self.params
        shape = ops.shape(waveform)
        num_frames = count_frames(shape[-1], params)
        if isinstance(num_frames, int) and not num_frames:
            return _empty(waveform, (*shape[:-1], 0, params.num_spectrogram_bins))
        frames = ops.extract_sequences(waveform, params.window_length, params.hop_length)
        # Rank 2 is the fastest on every backend and in every converter. The row count is given
        # because -1 cannot be inferred without frames.
        rows = ops.reshape(frames, (math.prod(shape[:-1]) * num_frames, params.window_length))
        real, imaginary = TRANSFORMS[self.transform](rows, params)
        magnitude = ops.cast(ops.sqrt(real * real + imaginary * imaginary + TINY_POWER), "float32")
        return ops.reshape(magnitude, (*shape[:-1], num_frames, params.num_spectrogram_bins))

    def compute_output_shape(self, input_shape):
        num_frames = _or_none(count_frames, input_shape[-1], self.params)
        return (*input_shape[:-1], num_frames, self.params.num_spectrogram_bins)

    def get_config(self) -> dict:
        return {**super().get_config(), "transform": self.transform}


@keras.saving.register_keras_serializable(package="vggish_tf")
class LogMel(FrontEndLayer):
    """Natural logarithm of the mel spectrogram plus `log_offset`.

    Args:
        params: front-end parameters, if not the published ones.
        triangles: the mel filters: "mel", as published, or "hertz"; see transforms.mel_matrix.

    Input shape:  (…, frames, fft bins) float32, magnitudes
    Output shape: (…, frames, mel bins) float32, at least ln(log_offset), which is -4.605 for 0.01

    Raises:
        UsageError: `triangles` is neither of the two.

    Example:
        >>> float(LogMel()(keras.ops.zeros((1, 257)))[0, 0])
        -4.60517...

    Source: mel_features.log_mel_spectrogram.
    """

    def __init__(self, params=None, *, triangles: Triangles = "mel", **kwargs):
        super().__init__(params, **kwargs)
        check_word("triangles", triangles, TRIANGLES)
        self.triangles = triangles

    def call(self, magnitude):
        shape = ops.shape(magnitude)
        rows = ops.reshape(magnitude, (math.prod(shape[:-1]), self.params.num_spectrogram_bins))
        mel = ops.matmul(rows, mel_matrix(self.params, self.triangles).astype("float32"))
        log_mel = ops.log(mel + self.params.log_offset)
        # LiteRT's logarithm turns NaN into a number
        log_mel = ops.where(mel <= _LARGEST, log_mel, mel)
        return ops.reshape(log_mel, (*shape[:-1], self.params.num_mel_bins))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.params.num_mel_bins)

    def get_config(self) -> dict:
        return {**super().get_config(), "triangles": self.triangles}


@keras.saving.register_keras_serializable(package="vggish_tf")
class FrameExamples(FrontEndLayer):
    """Cuts a log-mel spectrogram into examples; an incomplete last example is dropped.

    Args:
        params: front-end parameters, if not the published ones.

    Input shape:  (batch, frames, mel bins) or (frames, mel bins) float32
    Output shape: (batch, examples, num_frames, mel bins) or without the batch

    Example:
        >>> tuple(FrameExamples()(keras.ops.zeros((1, 200, 64))).shape)
        (1, 2, 96, 64)

    Source: mel_features.frame, as vggish_input.waveform_to_examples calls it.
    """

    def call(self, log_mel):
        *leading, num_frames, num_mel_bins = ops.shape(log_mel)
        num_examples = count_examples(num_frames, self.params)
        if isinstance(num_examples, int) and not num_examples:
            return _empty(log_mel, (*leading, 0, self.params.num_frames, num_mel_bins))
        starts = ops.arange(num_examples, dtype="int32") * self.params.example_hop_frames
        frames = ops.expand_dims(starts, -1) + np.arange(self.params.num_frames, dtype="int32")
        return ops.take(log_mel, frames, axis=-2)

    def compute_output_shape(self, input_shape):
        num_examples = _or_none(count_examples, input_shape[-2], self.params)
        return (*input_shape[:-2], num_examples, self.params.num_frames, input_shape[-1])


@keras.saving.register_keras_serializable(package="vggish_tf")
class WaveformToExamples(FrontEndLayer):
    """The whole front end: padding, then StftMagnitude, LogMel and FrameExamples.

    Args:
        params: front-end parameters, if not the published ones.
        pad: "never", "short" or "always"; see framing.padded_length.
        transform: as for StftMagnitude.

    Input shape:  (batch, num_samples) or (num_samples,) float32 at params.sample_rate, in [-1, 1]
    Output shape: (batch, examples, num_frames, mel bins) or without the batch, as FrameExamples

    Raises:
        UsageError: `pad` or `transform` is not one of the words above.
        AudioError: the waveform has integers or is ragged.

    Example:
        >>> tuple(WaveformToExamples()(keras.ops.zeros((1, 16_000))).shape)
        (1, 1, 96, 64)

    Source: vggish_input.waveform_to_examples.
    """

    def __init__(self, params=None, *, pad: Pad = "never", transform: Transform = "rfft", **kwargs):
        super().__init__(params, **kwargs)
        check_word("pad", pad, PADS)
        self.pad = pad
        self.stft_magnitude = StftMagnitude(self.params, transform=transform)
        self.log_mel = LogMel(self.params)
        self.frame_examples = FrameExamples(self.params)

    def __call__(self, waveform, *args, **kwargs):
        check_one_length(waveform)
        return super().__call__(waveform, *args, **kwargs)

    def build(self, input_shape):
        for layer in (self.stft_magnitude, self.log_mel, self.frame_examples):
            layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)

    def call(self, waveform):
        return self.frame_examples(self.log_mel(self.stft_magnitude(self._padded(waveform))))

    def compute_output_shape(self, input_shape):
        num_samples = _or_none(padded_length, input_shape[-1], self.params, self.pad)
        shape = self.stft_magnitude.compute_output_shape((*input_shape[:-1], num_samples))
        return self.frame_examples.compute_output_shape(self.log_mel.compute_output_shape(shape))

    def get_config(self) -> dict:
        return {**super().get_config(), "pad": self.pad, "transform": self.stft_magnitude.transform}

    def _padded(self, waveform):
        if self.pad == "never":
            return waveform
        shape = ops.shape(waveform)
        missing = padded_length(shape[-1], self.params, self.pad) - shape[-1]
        zeros = ops.zeros((*shape[:-1], missing), dtype="float32")
        return ops.concatenate([waveform, zeros], axis=-1)


def _empty(x, shape: tuple[int, ...]):
    """An empty tensor, for clips too short for JAX and PyTorch to cut windows out of."""
    return ops.reshape(x[..., :0], shape)


def _or_none(count, length, *args):
    return None if length is None else count(length, *args)
