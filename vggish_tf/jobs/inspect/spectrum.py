"""Energy spectrum of a clip: the shares that resampling removes and that the mel bins cover.

It is measured at the clip's own rate, on the mean over the channels, so without the energy that
mixing cancels.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vggish_tf.drawing.axes import hertz_axis, pool, title
from vggish_tf.drawing.pages import own_axes
from vggish_tf.frontend.transforms import periodic_hann

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LENGTH = 8192  # samples in a window: 5 Hz a bin at 44.1 kHz, 31 Hz at 250 kHz
HOP = LENGTH // 4  # with it, the squares of the Hann windows over a sample sum to 1.5
WINDOWS_AT_ONCE = 512
MOST_POINTS = 1000  # of the picture
DECIBEL_RANGE = 100.0


class Spectrum(NamedTuple):
    """The energy at every frequency; its sum is that of the squared samples (Parseval)."""

    hertz: np.ndarray  # (4097,) from 0 to half the rate
    energy: np.ndarray  # (4097,) float64

    def share(self, lowest: float = 0.0, highest: float = float("inf")) -> float:
        """The share of the energy from `lowest` to `highest` Hz, both included; 0 for silence."""
        inside = (lowest <= self.hertz) & (self.hertz <= highest)
        total = self.energy.sum()
        return float(self.energy[inside].sum() / total) if total else 0.0


def measure(waveform: np.ndarray, sample_rate: float) -> Spectrum:
    """The spectrum of a whole clip, (num_samples,) floating point, at its own rate in Hz.

    Example:
        >>> seconds = np.arange(48_000) / 48_000
        >>> low, high = (np.sin(2 * np.pi * hertz * seconds) for hertz in (1000, 20_000))
        >>> spectrum = measure(low + high, 48_000)
        >>> round(spectrum.share(highest=8000), 6)
        0.5
    """
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(waveform, LENGTH), LENGTH)[::HOP]
    window, energy = periodic_hann(LENGTH), np.zeros(LENGTH // 2 + 1)
    for start in range(0, len(frames), WINDOWS_AT_ONCE):
        bins = np.fft.rfft(frames[start : start + WINDOWS_AT_ONCE] * window)
        energy += np.sum(bins.real**2 + bins.imag**2, axis=0)
    energy[1:-1] *= 2  # the negative frequencies
    return Spectrum(np.arange(len(energy)) * (sample_rate / LENGTH), energy / (1.5 * LENGTH))


def decibels(share: float) -> str:
    """A share of the energy as text, in percent and in dB.

    Example:
        >>> decibels(0.25), decibels(0.0)
        ('25 % (−6.0 dB)', 'nothing')
    """
    if not share:
        return "nothing"
    level = round(float(10 * np.log10(share)), 1) + 0.0  # never −0.0
    return f"{100 * share:.3g} % ({level:.1f} dB)".replace("-", "−")


def draw_spectrum(spectrum: Spectrum, cutoff: float, *, ax: "Axes | None" = None) -> "Axes":
    """Draws energy over frequency in dB, relative to the strongest; marks it above `cutoff` Hz."""
    if ax is None:
        return own_axes(draw_spectrum, spectrum, cutoff)
    from matplotlib.colors import to_hex

    highest = spectrum.hertz[-1]
    energy, block = pool(spectrum.energy, MOST_POINTS)
    hertz = spectrum.hertz[::block] + (block - 1) / 2 * spectrum.hertz[1]
    loudest = energy.max() or 1.0
    shares = np.maximum(energy / loudest, 10 ** (-DECIBEL_RANGE / 10))
    ax.plot(hertz, 10 * np.log10(shares), linewidth=1)
    ax.set(xlim=(0, highest), ylim=(-DECIBEL_RANGE, 3), ylabel="energy (dB)")
    hertz_axis(ax.xaxis, highest)
    if cutoff < highest:
        red = to_hex("C3")  # of the current style: a name would be looked up only when drawn
        ax.axvspan(cutoff, highest, color=red, alpha=0.2, linewidth=0)
        ax.axvline(cutoff, color=red, linewidth=1)
        middle = (cutoff + highest) / 2
        ax.text(middle, -2, "removed", color=red, ha="center", va="top", clip_on=True)
    title(ax, f"Spectrum of the file at {2 * highest:,.0f} Hz, its own rate")
    return ax
