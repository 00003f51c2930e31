"""Settings of strategies: typed, with ranges and presets, refused by the name of the field."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core.errors import BadInput, UnknownName

PRESETS = ("quick", "article")
Value = int | float | str | bool


@dataclass(frozen=True)
class Setting:
    """One number, choice or switch of a strategy.

    ``low`` and ``high`` are inclusive; ``choices`` are for ``kind="choice"``. ``quick`` and
    ``article`` are the values of the two presets.
    """

    name: str
    kind: Literal["int", "float", "choice", "bool"]
    title: str
    help: str
    quick: Value
    article: Value
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""

    def value_for(self, preset: str) -> Value:
        return self.quick if preset == "quick" else self.article

    def checked(self, raw: Any, field: str) -> Value:
        """Return ``raw`` (a number, or text from a command line or URL) as this setting's type.

        Raises ``BadInput`` that names ``field``, the value given and what is allowed.
        """
        if self.kind == "choice":
            if raw not in self.choices:
                raise BadInput(
                    f"{field} is {raw!r}; it must be one of: {', '.join(self.choices)}.", field
                )
            return str(raw)
        if self.kind == "bool":
            switches: dict[str, bool] = {"true": True, "false": False}
            if str(raw).lower() not in switches:
                raise BadInput(f"{field} is {raw!r}; it must be true or false.", field)
            return switches[str(raw).lower()]
        return self._checked_number(raw, field)

    def _checked_number(self, raw: Any, field: str) -> Value:
        word = "a whole number" if self.kind == "int" else "a number"
        allowed = f"{word} from {self.low:g} to {self.high:g}{' ' + self.unit if self.unit else ''}"
        message = f"{field} is {raw!r}; it must be {allowed}."
        try:
            number = float(raw)
        except (TypeError, ValueError):
            raise BadInput(message, field) from None
        if isinstance(raw, bool) or not math.isfinite(number):
            raise BadInput(message, field)
        if not self.low <= number <= self.high:  # type: ignore[operator]
            raise BadInput(message, field)
        if self.kind == "float":
            return number
        if number != int(number):
            raise BadInput(message, field)
        return int(number)


def resolve_settings(
    strategy: str,
    declared: tuple[Setting, ...],
    preset: str,
    overrides: Mapping[str, Any] | None = None,
) -> dict[str, Value]:
    """The complete settings of a strategy: the preset's values with ``overrides`` put on top.

    Raises ``UnknownName`` for a preset or setting that does not exist (listing those that do)
    and ``BadInput`` for a value out of range, both naming the field as ``strategy.setting``.
    """
    if preset not in PRESETS:
        raise UnknownName("preset", preset, PRESETS)
    by_name = {setting.name: setting for setting in declared}
    values: dict[str, Value] = {name: entry.value_for(preset) for name, entry in by_name.items()}
    for name, raw in (overrides or {}).items():
        if name not in by_name:
            raise UnknownName(f"setting of {strategy}", name, by_name)
        values[name] = by_name[name].checked(raw, f"{strategy}.{name}")
    return values
