"""The palette of the strategies: how far apart its colours are for any colour vision; a search.

``python -m benchmarks.palette`` looks for nine colours (a grey for the majority class first) that
keep 3:1 against both pages (WCAG 1.4.11) and whose closest pair is as far apart as can be found,
seen with usual vision and with protanopia, deuteranopia and tritanopia. It takes two minutes.
``tests/charts/test_palette.py`` holds the numbers of the palette in use.

Sources: Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color
vision deficiency" (IEEE TVCG 2009), matrices of severity 1.0, applied to linear RGB; Sharma, Wu
and Dalal, "The CIEDE2000 color-difference formula" (2005); WCAG 2.2, relative luminance.
"""

import itertools

import numpy as np

from core.charts.style import MAJORITY_COLOUR, PALETTE

PAGES = ("#FFFFFF", "#11171D")
LEAST_CONTRAST = 3.05
GRID_STEP = 10
MOST_GREY_CHROMA, LEAST_CHROMA = 4.0, 30.0
# Where all cones are there, colours have more room: pairs are asked to be this much further apart.
USUAL_VISION_MARGIN = 1.5
RESTARTS, SEED = 80, 0

VISIONS = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
     [0.0193339, 0.1191920, 0.9503041]]
)  # fmt: skip
_WHITE_D65 = np.array([0.95047, 1.0, 1.08883])


def linear_rgb(colours: list[str]) -> np.ndarray:
    """``#RRGGBB`` to linear light, float64 ``(N, 3)``, 0 to 1."""
    coded = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colours]) / 255
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


def contrast(first: str, second: str) -> float:
    """WCAG contrast of two colours, 1 to 21."""
    light, dark = sorted(linear_rgb([first, second]) @ _TO_XYZ[1], reverse=True)
    return float((light + 0.05) / (dark + 0.05))


def lab(linear: np.ndarray) -> np.ndarray:
    """CIELAB (D65) of linear RGB ``(N, 3)``."""
    ratio = linear @ _TO_XYZ.T / _WHITE_D65
    cubic = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = cubic.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def ciede2000(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Perceived difference of CIELAB colours ``(..., 3)``; 1 is just visible side by side."""
    (light_1, a_1, b_1), (light_2, a_2, b_2) = np.moveaxis(first, -1, 0), np.moveaxis(second, -1, 0)
    mean = (np.hypot(a_1, b_1) + np.hypot(a_2, b_2)) / 2
    stretch = 1.5 - 0.5 * np.sqrt(mean**7 / (mean**7 + 25.0**7))
    chroma_1, chroma_2 = np.hypot(stretch * a_1, b_1), np.hypot(stretch * a_2, b_2)
    hue_1 = np.degrees(np.arctan2(b_1, stretch * a_1)) % 360
    hue_2 = np.degrees(np.arctan2(b_2, stretch * a_2)) % 360
    grey = chroma_1 * chroma_2 == 0
    turn = np.where(grey, 0, (hue_2 - hue_1 + 180) % 360 - 180)
    hue_difference = 2 * np.sqrt(chroma_1 * chroma_2) * np.sin(np.radians(turn / 2))
    hue = np.where(grey, hue_1 + hue_2, (hue_1 + turn / 2) % 360)
    light, chroma = (light_1 + light_2) / 2, (chroma_1 + chroma_2) / 2
    weight = (
        1
        - 0.17 * np.cos(np.radians(hue - 30))
        + 0.24 * np.cos(np.radians(2 * hue))
        + 0.32 * np.cos(np.radians(3 * hue + 6))
        - 0.20 * np.cos(np.radians(4 * hue - 63))
    )
    scale_light = 1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)
    scale_chroma, scale_hue = 1 + 0.045 * chroma, 1 + 0.015 * chroma * weight
    rotation = (
        -2
        * np.sqrt(chroma**7 / (chroma**7 + 25.0**7))
        * np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2))))
    )
    parts = (
        (light_2 - light_1) / scale_light,
        (chroma_2 - chroma_1) / scale_chroma,
        hue_difference / scale_hue,
    )
    return np.sqrt(sum(part**2 for part in parts) + rotation * parts[1] * parts[2])


def distances(colours: list[str], vision: str) -> np.ndarray:
    """CIEDE2000 of every pair as somebody with that vision sees them, ``(N, N)``."""
    seen = lab(np.clip(linear_rgb(colours) @ VISIONS[vision].T, 0, 1))
    return ciede2000(seen[:, None], seen[None])


def least_distance(colours: list[str], vision: str) -> tuple[float, str, str]:
    """The closest pair: its distance and its two colours."""
    found = distances(colours, vision)
    first, second = min(
        itertools.combinations(range(len(colours)), 2), key=lambda pair: found[pair]
    )
    return float(found[first, second]), colours[first], colours[second]


def candidates() -> tuple[list[str], np.ndarray]:
    """Colours of a grid that keep the contrast and are a grey or no grey; which are greys."""
    steps = range(0, 256, GRID_STEP)
    every = [f"#{r:02X}{g:02X}{b:02X}" for r, g, b in itertools.product(steps, repeat=3)]
    kept = [c for c in every if all(contrast(c, page) >= LEAST_CONTRAST for page in PAGES)]
    chroma = np.hypot(*lab(linear_rgb(kept)).T[1:])
    usable = (chroma <= MOST_GREY_CHROMA) | (chroma >= LEAST_CHROMA)
    return [c for c, use in zip(kept, usable, strict=True) if use], (chroma < LEAST_CHROMA)[usable]


def search(count: int) -> list[str]:
    """``count`` colours, the first a grey, found by exchange from many random beginnings."""
    colours, greys = candidates()
    apart = np.min(
        [
            distances(colours, vision) / (USUAL_VISION_MARGIN if vision == "usual" else 1.0)
            for vision in VISIONS
        ],
        axis=0,
    )
    random = np.random.default_rng(SEED)
    best: tuple[float, list[int]] = (0.0, [])
    for _ in range(RESTARTS):
        chosen = [int(random.choice(np.flatnonzero(kind))) for kind in (greys, ~greys)]
        while len(chosen) < count:
            chosen.append(int(np.where(greys, 0, apart[chosen].min(axis=0)).argmax()))
        reached = _exchange(apart, chosen, greys)
        best = max(best, (reached, chosen))
    return [colours[place] for place in best[1]]


def _exchange(apart: np.ndarray, chosen: list[int], greys: np.ndarray) -> float:
    """Exchange one colour at a time, in place, while that brings the closest pair apart."""
    reached = _least(apart, chosen)
    improved = True
    while improved:
        improved = False
        for place in range(len(chosen)):
            others = chosen[:place] + chosen[place + 1 :]
            room = apart[others].min(axis=0)
            room = np.where(greys == (place == 0), room, 0)
            trial = [*chosen]
            trial[place] = int(room.argmax())
            if _least(apart, trial) > reached + 1e-9:
                chosen[:], reached, improved = trial, _least(apart, trial), True
    return reached


def _least(apart: np.ndarray, chosen: list[int]) -> float:
    return float(apart[np.ix_(chosen, chosen)][np.triu_indices(len(chosen), 1)].min())


def main() -> None:
    used = [MAJORITY_COLOUR, *PALETTE]
    for name, colours in (("in use", used), ("found", search(len(used)))):
        print(name, *colours)
        for vision in VISIONS:
            least, first, second = least_distance(colours, vision)
            print(f"  {vision}: {least:.1f} between {first} and {second}")


if __name__ == "__main__":
    main()
