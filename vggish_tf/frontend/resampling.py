"""Resample: audio of one rate becomes audio of another inside the graph, for exported models.

Outside a graph soxr does it, in vggish_tf.audio: it takes every rate. Nothing here mixes channels.

The derivation. To go from rate R to rate S, let L / M be S / R in lowest terms. In theory one puts
L − 1 zeros behind every sample, which makes the rate L·R; takes away, with a low-pass filter h,
what one of the two rates cannot hold; and keeps every M-th sample. Output m is then

    y[m] = Σ_i x[i] · h(m·M − i·L),        h in steps of 1 / (L·R) seconds, 0 outside [−H, H].

Write m = q·L + p with 0 ≤ p < L. Since m·M = (q·M)·L + p·M, with i = q·M + j the sum is

    y[q·L + p] = Σ_j x[q·M + j] · h(p·M − j·L),

where q appears in x alone: the L outputs of every q are the same L filters (the phases) on samples
that begin q·M further on. That is one convolution with stride M and L output channels, which are
then laid in a row. The kernel has

    k[j, p] = h(p·M − j·L),        j from −⌊H / L⌋ to M + ⌊H / L⌋,

and no sample is multiplied with one of the L − 1 zeros. h is a sinc under a Kaiser window, times L
to make up for the zeros.

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

STOP_DB = 90.0  # what the filter is designed for; 80 is what it promises
PASS = 0.94  # of the lower Nyquist frequency: 7520 Hz of 8000, just above the last mel bin's edge
MAX_KERNEL = 1 << 22  # numbers: 16 MB in the model. 44.1 kHz needs 0.15 million


@keras.saving.register_keras_serializable(package="vggish_tf")
class Resample(keras.layers.Layer):
    """Resamples with a windowed sinc: flat to 94 % of the lower Nyquist frequency, 80 dB down and
    more from 100 % on.

    Args:
        input_rate: Hz, a whole number.
        output_rate: Hz, a whole number.
        zero_filled: True if clips of different lengths share a batch, filled with zeros: behind the
            end of a clip, too, are then zeros, and not what the filter makes of the end.

    Input shape:  (batch, num_samples) or (num_samples,) float32
    Output shape: (batch, num_samples · output_rate / input_rate, rounded), or without the batch

    Sample 0 stays at time 0. What lies before the first and behind the last sample counts as
    silence.

    Raises:
        ParamsError: a rate is not a positive whole number, or the two have so little in common that
            the filter would take more than 16 MB.

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
        """Samples of the input from which one group of L samples of the output is made."""
        return self.down + 2 * self.reach + 1

    @cached_property
    def reach(self) -> int:
        """Samples of the input that a filter reaches to either side of its own, ⌊H / L⌋."""
        return self._design()[0] // self.up

    @cached_property
    def kernel(self) -> np.ndarray:
        """k[j, p] as (window_length, 1, L) float32, for a convolution with stride M."""
        # imported where it is used: it takes half a second, and few models resample
        from scipy import signal

        half_length, beta = self._design()
        low_pass = self.up * signal.firwin(
            2 * half_length + 1,
            self._nyquist * (1 + PASS) / 2,
            window=("kaiser", beta),
            fs=self.up * self.input_rate,
        )
        samples = np.arange(-self.reach, self.down + self.reach + 1)[:, np.newaxis]
        steps = np.arange(self.up) * self.down - samples * self.up
        kernel = np.where(
            abs(steps) <= half_length,
            low_pass[np.clip(steps + half_length, 0, 2 * half_length)],
            0.0,
        )
        return kernel[:, np.newaxis].astype("float32")

    def call(self, waveform):
        rows = ops.expand_dims(waveform, 0) if len(waveform.shape) == 1 else waveform
        num_samples = ops.shape(rows)[-1]
        behind = (
            (self.num_groups(num_samples) - 1) * self.down
            + self.window_length
            - self.reach
            - num_samples
        )
        padded = ops.pad(rows, ((0, 0), (self.reach, behind)))
        resampled = self.silenced(self.convolve(padded)[:, : self.num_outputs(num_samples)], rows)
        return resampled[0] if len(waveform.shape) == 1 else resampled

    def convolve(self, windows):
        """(rows, window_length + g · M) → (rows, (g + 1) · L): the groups that lie inside."""
        shape = ops.shape(windows)
        groups = ops.conv(
            ops.expand_dims(windows, -1), self.kernel, strides=self.down, padding="valid"
        )
        num_groups = (shape[-1] - self.window_length) // self.down + 1
        return ops.reshape(groups, (shape[0], num_groups * self.up))

    def silenced(self, resampled, waveform):
        """With zero_filled, `resampled` with zeros behind the end of each clip of `waveform`; else
        as it is.
        """
        if not self.zero_filled:
            return resampled
        ends = ops.expand_dims(self.num_outputs(clip_lengths(waveform)), -1)
        return ops.where(ops.arange(ops.shape(resampled)[-1], dtype="int32") < ends, resampled, 0.0)

    def num_outputs(self, num_samples):
        """Samples of the output, to the nearest, as soxr gives them; an int or a tensor."""
        # 32 bits do not hold num_samples * up
        whole, rest = num_samples // self.down, num_samples % self.down
        return whole * self.up + (rest * self.up + self.down // 2) // self.down

    def num_groups(self, num_samples):
        """Groups that hold these samples, and at least one; an int or a tensor."""
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
        """H, and the beta of the Kaiser window."""
        from scipy import signal

        width = (1 - PASS) * self._nyquist / (self.up * self.input_rate / 2)
        num_taps, beta = signal.kaiserord(STOP_DB, width)
        return num_taps // 2, beta
