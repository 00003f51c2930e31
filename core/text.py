"""Numbers in words: durations and fractions as people read them."""


def seconds_text(seconds: float | None) -> str:
    """A duration as people say it: ``40 ms``, ``0.40 s``, ``12.3 s``, ``4 min 05 s``."""
    if seconds is None:
        return "—"
    if seconds < 0.0995:
        return f"{1000 * seconds:.0f} ms" if seconds >= 0.0005 else "under 1 ms"
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def rough_seconds_text(seconds: float) -> str:
    """An estimate without digits that it cannot keep: ``40 s``, ``4 min``, ``2 h 10 min``."""
    if seconds < 57.5:
        return f"{max(5, 5 * round(seconds / 5))} s"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(10 * round(minutes / 10), 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def percent_text(fraction: float | None) -> str:
    """A fraction 0 to 1 as ``66.3 %``."""
    return "—" if fraction is None else f"{100 * fraction:.1f} %"
