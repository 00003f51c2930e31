"""The sections of the page "How it is measured"."""

from core.ui.measured.backbones import show_backbones
from core.ui.measured.clocks import show_clocks, show_device
from core.ui.measured.document import show_glossary
from core.ui.measured.split import show_split
from core.ui.measured.statistics import show_statistics
from core.ui.measured.strategies import show_practice, show_strategies
from core.ui.measured.tutorial import show_scenarios, show_tutorial

# What stands in the address: the name of the section and what draws it. Only that one is drawn.
SECTIONS = {
    "split": ("The split", show_split),
    "clocks": ("The clocks", show_clocks),
    "statistics": ("The statistics", show_statistics),
    "strategies": ("The strategies", show_strategies),
    "backbones": ("The backbones", show_backbones),
    "practice": ("Good practice", show_practice),
    "tutorial": ("The tutorial", show_tutorial),
    "scenarios": ("Four scenarios", show_scenarios),
    "device": ("Device and versions", show_device),
    "glossary": ("Glossary", show_glossary),
}
