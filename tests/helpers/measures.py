"""Measures of results, written out: cosines of rows, the contrast of colours."""

import numpy as np
from matplotlib.colors import to_rgb


def cosines(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Of each row with the row beside it."""
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return np.sum(one * other, axis=1) / lengths


def contrast(one, other) -> float:
    """Of two colours, 1 to 21. Source: WCAG 2.2, contrast ratio."""
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def luminance(colour) -> float:
    """0 to 1. Source: WCAG 2.2, relative luminance."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
