"""Synthetic chest phantoms: drawn from formulas, no patient behind them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

ROWS, COLUMNS = 400, 360
Shades = NDArray[np.float64]


def chest(random: np.random.Generator, *, build: np.random.Generator, opacity: bool) -> Shades:
    """A frontal chest, shades 0 (black, air) to 1 (white, bone), [ROWS, COLUMNS], with "SYNTHETIC" written on it.

    `build` draws what belongs to the person (give the same state for each image of one), `random` what belongs to
    the image. `opacity` adds one or two soft shadows to the lungs; some are faint, so that the task is not trivial.
    """
    width, height = build.uniform(0.88, 1.1), build.uniform(0.9, 1.08)
    heart, lung_width = build.uniform(0.8, 1.25), build.uniform(0.28, 0.34)
    shift_x, shift_y = random.normal(0, 0.03, size=2)
    breath = random.normal(0, 0.05)
    y, x = np.mgrid[-1 : 1 : ROWS * 1j, -1 : 1 : COLUMNS * 1j]
    x, y = (x - shift_x) / width, (y - shift_y) / height
    body = _soft(1 - (np.abs(x) / (0.92 - 0.25 * _soft((-y - 0.75) * 8))) ** 4 - np.maximum(0, -y - 0.55) ** 2 * 2)
    shade = 0.04 + 0.52 * body
    lungs = _lungs(x, y, lung_width, breath) * (
        1 - 0.9 * _ellipse(x, y, 0.14, 0.27, 0.27 * heart, 0.33)
    )  # the heart, to the left
    shade -= 0.36 * lungs * body
    shade += 0.16 * _soft((build.uniform(0.08, 0.15) - np.abs(x)) * 30) * body  # mediastinum
    shade += 0.06 * _soft((0.07 - np.abs(x)) * 40) * (0.6 + 0.4 * np.cos(y * 34)) * body  # spine
    shade += _ribs(x, y, build) * body
    shade += _clavicles(x, y, build.uniform(-0.24, -0.06)) * body
    vessels = gaussian_filter(random.normal(size=(ROWS, COLUMNS)), 2.2)
    shade += 0.045 * lungs * vessels / vessels.std() * np.exp(-2.2 * np.abs(np.abs(x) - 0.2))
    if opacity:
        shade += lungs * _opacities(random, x, y)
    shade = gaussian_filter(shade, random.uniform(0.6, 1.1))
    shade = (shade - 0.3) * random.uniform(0.9, 1.12) + 0.3 + random.normal(0, 0.02)
    shade += random.normal(0, 0.012, size=shade.shape)
    return _inscribe(np.clip(shade, 0, 1))


def _soft(level: Shades) -> Shades:
    """A smooth step from 0 to 1 where the level passes 0."""
    return 1 / (1 + np.exp(-np.clip(level * 6, -40, 40)))


def _ellipse(x: Shades, y: Shades, cx: float, cy: float, rx: float, ry: float) -> Shades:
    return _soft((1 - ((x - cx) / rx) ** 2 - ((y - cy) / ry) ** 2) * 1.6)


def _lungs(x: Shades, y: Shades, width: float, breath: float) -> Shades:
    """Two lungs above the domes of the diaphragm, which stand lower by `breath`."""
    both: Shades = np.zeros_like(x)
    for side in (-1, 1):
        lung = _soft((1 - (np.abs(x - side * 0.43) / width) ** 2.4 - (np.abs(y + 0.08) / 0.72) ** 2.6) * 1.6)
        dome = 0.52 + breath + 0.05 * side + 0.9 * (x - side * 0.42) ** 2
        both += lung * _soft((dome - y) * 18)
    return np.clip(both, 0, 1)


def _ribs(x: Shades, y: Shades, build: np.random.Generator) -> Shades:
    shade: Shades = np.zeros_like(x)
    first, spacing = build.uniform(-0.84, -0.66), build.uniform(0.135, 0.175)
    fall, rise = build.uniform(0.15, 0.45), build.uniform(0.0, 0.22)
    thick, bright = build.uniform(0.016, 0.03), build.uniform(0.045, 0.085)
    across = np.clip(np.abs(x) / 0.85, 0, 1)
    for number in range(9):
        line = first + number * spacing + fall * across**2 - rise * across
        shade += bright * np.exp(-(((y - line) / thick) ** 2)) * _soft((np.abs(x) - 0.12) * 20)
    return shade


def _clavicles(x: Shades, y: Shades, slope: float) -> Shades:
    line = -0.66 + slope * np.abs(x)
    shade: Shades = 0.12 * np.exp(-(((y - line) / 0.03) ** 2)) * _soft((0.75 - np.abs(x)) * 10)
    return shade


def _opacities(random: np.random.Generator, x: Shades, y: Shades) -> Shades:
    shade: Shades = np.zeros_like(x)
    for _ in range(random.integers(1, 3)):
        cx, cy = random.choice([-1, 1]) * random.uniform(0.3, 0.55), random.uniform(-0.35, 0.4)
        size, strength = random.uniform(0.1, 0.22), random.uniform(0.12, 0.34)
        ragged = gaussian_filter(random.normal(size=x.shape), 8)
        edge = ((x - cx) / size) ** 2 + ((y - cy) / size) ** 2 + 0.5 * ragged / ragged.std()
        shade += strength * np.exp(-np.maximum(edge, 0))
    return shade


def _inscribe(shade: Shades) -> Shades:
    picture = Image.new("L", (COLUMNS, ROWS))
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=15)
    draw.text((COLUMNS - 8, ROWS - 8), "SYNTHETIC", fill=255, anchor="rs", font=font)
    draw.text((14, 10), "R", fill=255, font=font)
    return np.maximum(shade, np.asarray(picture) / 255)
