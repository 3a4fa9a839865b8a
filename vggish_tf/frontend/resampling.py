"""Resample: resampling inside the graph, for exported models.

Outside a graph, soxr resamples any rate, in vggish_tf.audio. Nothing here mixes channels.

Derivation. To go from rate R to rate S, let L / M be S / R in lowest terms. In theory one inserts
L − 1 zeros after every sample, which makes the rate L·R; removes, with a low-pass filter h, the
frequencies above the lower of the two Nyquist frequencies; and keeps every M-th sample. Output m is
then

    y[m] = Σ_i x[i] · h(m·M − i·L),        h in steps of 1 / (L·R) seconds, 0 outside [−H, H].

Write m = q·L + p with 0 ≤ p < L. Since m·M = (q·M)·L + p·M, with i = q·M + j the sum is

    y[q·L + p] = Σ_j x[q·M + j] · h(p·M − j·L),

where q appears in x alone: the L outputs of every q are the same L filters (the phases) on samples
that begin q·M further on. That is one convolution with stride M and L output channels, which are
then interleaved. The kernel is

    k[j, p] = h(p·M − j·L),        j from −⌊H / L⌋ to M + ⌊H / L⌋,

and no product with one of the L − 1 zeros is computed. h is a sinc with a Kaiser window, times L to
compensate for the zeros.

Source: P. P. Vaidyanathan, Multirate Systems and Filter Banks (1993), section 4.3; scipy.signal for
Kaiser's design.
"""

from functools import cached_property
from math import gcd

import keras
import numpy as np
from keras import ops

from vggish_tf.errors import ParamsError
from vggish_tf.frontend.framing import clip_lengths

STOP_DB = 90.0  # attenuation that the filter is designed for; the layer promises 80
PASS = 0.94  # of the lower Nyquist frequency: 7520 Hz of 8000, just above the last mel bin's edge
MAX_KERNEL = 1 << 22  # numbers: 16 MB in the model. 44.1 kHz needs 0.15 million


@keras.saving.register_keras_serializable(package="vggish_tf")
class Resample(keras.layers.Layer):
    """Resamples with a windowed sinc.

    Flat to 94 % of the lower Nyquist frequency; at least 80 dB down from 100 % on.

    Args:
        input_rate: Hz, a whole number.
        output_rate: Hz, a whole number.
        zero_filled: True for zero-padded batches of clips of different lengths: the output after
            the end of each clip is set to zero; otherwise the filter rings there.

    Input shape:  (batch, num_samples) or (num_samples,) float32
    Output shape: (batch, num_samples · output_rate / input_rate, rounded), or without the batch

    Sample 0 stays at time 0. Silence is assumed before the first and after the last sample.

    Raises:
        ParamsError: a rate is not a positive whole number, or the greatest common divisor of the
            rates is so small that the filter would take more than 16 MB.

    Example:
        >>> ops.shape(Resample(44_100, 16_000)(ops.zeros((1, 44_100))))
        (1, 16000)
    """

    def __init__(
        self, input_rate: int, output_rate: int = 16_000, *, zero_filled: bool = False, **kwargs
    ):
        super().__init__(**{**kwargs, "dtype": "float32"})
        for name, rate in (("input_rate", input_rate), ("output_rate", output_rate)):
            if isinstance(rate, bool) or not isinstance(rate, (int, np.integer)) or rate <= 0:
                raise ParamsError(
                    f"{name} must be a positive whole number of Hz; received {rate!r}."
                )
        self.input_rate, self.output_rate = int(input_rate), int(output_rate)
        self.zero_filled = zero_filled
        common = gcd(self.input_rate, self.output_rate)
        self.up, self.down = self.output_rate // common, self.input_rate // common  # L and M
        if self.up * self.window_length > MAX_KERNEL:
            raise ParamsError(
                f"resampling from {input_rate} to {output_rate} Hz inside the graph would need "
                f"{self.up} filters of {self.window_length} samples. Choose a usual rate, or "
                "resample with soxr before the model."
            )

    @property
    def window_length(self) -> int:
        """Number of input samples for one group of L output samples."""
        return self.down + 2 * self.reach + 1

    @cached_property
    def reach(self) -> int:
        """Number of input samples on either side of a filter's centre, ⌊H / L⌋."""
        return self._design()[0] // self.up

    @cached_property
    def kernel(self) -> np.ndarray:
        """k[j, p] as (window_length, 1, L) float32, for a convolution with stride M."""
        from scipy import signal  # here: it takes half a second, and few models resample

        half_length, beta = self._design()
        cutoff, rate = self._nyquist * (1 + PASS) / 2, self.up * self.input_rate
        window = ("kaiser", beta)
        low_pass = self.up * signal.firwin(2 * half_length + 1, cutoff, window=window, fs=rate)
        samples = np.arange(-self.reach, self.down + self.reach + 1)[:, np.newaxis]
        steps = np.arange(self.up) * self.down - samples * self.up
        taps = low_pass[np.clip(steps + half_length, 0, 2 * half_length)]
        kernel = np.where(abs(steps) <= half_length, taps, 0.0)
        return kernel[:, np.newaxis].astype("float32")

    def call(self, waveform):
        rows = ops.expand_dims(waveform, 0) if len(waveform.shape) == 1 else waveform
        num_samples = ops.shape(rows)[-1]
        needed = (self.num_groups(num_samples) - 1) * self.down + self.window_length
        padded = ops.pad(rows, ((0, 0), (self.reach, needed - self.reach - num_samples)))
        resampled = self.silenced(self.convolve(padded)[:, : self.num_outputs(num_samples)], rows)
        return resampled[0] if len(waveform.shape) == 1 else resampled

    def convolve(self, windows):
        """The groups without padding: (rows, window_length + g · M) → (rows, (g + 1) · L)."""
        shape = ops.shape(windows)
        groups = ops.conv(
            ops.expand_dims(windows, -1), self.kernel, strides=self.down, padding="valid"
        )
        num_groups = (shape[-1] - self.window_length) // self.down + 1
        return ops.reshape(groups, (shape[0], num_groups * self.up))

    def silenced(self, resampled, waveform):
        """`resampled`; if zero_filled, with zeros after the end of each clip of `waveform`."""
        if not self.zero_filled:
            return resampled
        ends = ops.expand_dims(self.num_outputs(clip_lengths(waveform)), -1)
        return ops.where(ops.arange(ops.shape(resampled)[-1], dtype="int32") < ends, resampled, 0.0)

    def num_outputs(self, num_samples):
        """Number of output samples, rounded to the nearest as soxr does; an int or a tensor."""
        # 32 bits do not hold num_samples * up
        whole, rest = num_samples // self.down, num_samples % self.down
        return whole * self.up + (rest * self.up + self.down // 2) // self.down

    def num_groups(self, num_samples):
        """Number of groups that hold these samples, at least one; an int or a tensor."""
        return self.num_outputs(num_samples) // self.up + 1

    def compute_output_shape(self, input_shape):
        *leading, num_samples = input_shape
        return (*leading, None if num_samples is None else self.num_outputs(num_samples))

    def get_config(self) -> dict:
        rates = {"input_rate": self.input_rate, "output_rate": self.output_rate}
        return {**super().get_config(), **rates, "zero_filled": self.zero_filled}

    @property
    def _nyquist(self) -> float:
        return min(self.input_rate, self.output_rate) / 2

    def _design(self) -> tuple[int, float]:
        """H, and beta of the Kaiser window."""
        from scipy import signal

        width = (1 - PASS) * self._nyquist / (self.up * self.input_rate / 2)
        num_taps, beta = signal.kaiserord(STOP_DB, width)
        return num_taps // 2, beta
