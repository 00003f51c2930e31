"""Headstart: how much of a head start does a pre-trained model give, and at what cost?

For notebooks: ``import core as headstart``, then ``headstart.open_home()``; importing loads
neither TensorFlow nor Streamlit. See ``docs/notebook.md``.
"""

from typing import TYPE_CHECKING, Any

from core.settings import VERSION

__version__ = VERSION
__all__ = ["Charts", "Experiment", "Lab", "open_home"]

if TYPE_CHECKING:
    from core.lab import Charts, Experiment, Lab, open_home


def __getattr__(name: str) -> Any:
    """The front door is imported when it is used: the command line starts without pandas."""
    if name in __all__:
        from core import lab

        return getattr(lab, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
