"""The colour and marker of each strategy, the same on every chart and in both themes.

Found by ``benchmarks/palette.py``: every colour keeps 3:1 against the light and the dark page
(WCAG 1.4.11), and the closest pair is as far apart as could be had for usual vision, protanopia,
deuteranopia and tritanopia together; a test holds the numbers. Marker and dash repeat the
distinction (WCAG 1.4.1).
"""

from core.strategies.registry import MAJORITY, STRATEGIES
from core.strategies.strategy import Appearance
from core.text import percent_text as percent_text
from core.text import rough_seconds_text as rough_seconds_text
from core.text import seconds_text as seconds_text

KNOWN_LOOKS = {name: entry.appearance for name, entry in STRATEGIES.items()}
MAJORITY_COLOUR = KNOWN_LOOKS[MAJORITY].colour
# For a strategy that is not among them: a colour again, with a marker and a dash of its own.
_SPARE = (Appearance("#C81432", "cross", "dot"), Appearance("#643CFA", "bowtie", "dot"))


def appearance_of(strategy: str) -> Appearance:
    """The look of a strategy; one that is new here gets a spare look, stable for its name."""
    return KNOWN_LOOKS.get(strategy) or _SPARE[sum(strategy.encode()) % len(_SPARE)]
