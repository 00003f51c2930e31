"""Numbers and lists in words."""


def rough_seconds_text(seconds: float) -> str:
    """An estimate without digits that it cannot keep: ``40 s``, ``4 min``, ``2 h 10 min``."""
    if seconds < 57.5:
        return f"{max(5, 5 * round(seconds / 5))} s"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(10 * round(minutes / 10), 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"
