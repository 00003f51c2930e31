"""The names inside an archive that does not say how they are encoded.

macOS writes UTF-8 without saying so; Windows writes the encoding of the country where the archive
was packed. The bytes of all names together tell which: every encoding is tried, and the letters
that come out are compared with how common they are in the languages that are written with it.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from math import log

from core.datasets.reading.name_letters import LANGUAGES, Language, is_letter
from core.datasets.reading.raw_files import shown_name

MOST_PARTS_LOOKED_AT = 500
NAMES_SHOWN = 3
# The fraction of letters other than a to z that must be those of the language.
FEWEST_KNOWN = 0.7
# The second encoding of a language is that much less likely than the first (as a logarithm).
LATER_ENCODING = -1.0
# Logarithms of chances, whatever the language.
ASCII = log(1 / 40)
SIGN = log(1e-4)
SIGN_IN_WORD = log(0.05)
WIDE_SIGN = log(0.002)
STRANGE_LETTER = log(1e-5)
UPPER_AFTER_LOWER = log(0.02)
UPPER_AFTER_UPPER = log(0.45)
# What no name has: lines and blocks that are drawn, controls, characters that are not assigned.
_NEVER = ("Cc", "Cn", "Co", "Cs")
_DRAWN = range(0x2500, 0x25A0)
_WIDE_SIGNS = "\u3000\u3001\u3002\u3005\u300c\u300d\u301c\u30fb\uff08\uff09\uff0c\uff1a\uff5e"
_PLAIN_NAMES = {"gb18030": "GBK", "cp950": "Big5", "cp932": "Shift-JIS", "cp949": "EUC-KR"}


class NamesUnreadableError(Exception):
    """The names fit no encoding; the message is a sentence for people."""


def decoded_names(raw_names: Sequence[bytes]) -> tuple[list[str], str | None]:
    """The names as text, and a note where their encoding had to be chosen by their letters.

    Raises ``NamesUnreadableError``.
    """
    try:
        return [name.decode() for name in raw_names], None
    except UnicodeDecodeError:
        pass
    parts = sorted({part for name in raw_names for part in name.split(b"/") if not part.isascii()})
    for encoding, language in _likeliest(parts[:MOST_PARTS_LOOKED_AT]):
        names = _decoded(raw_names, encoding)
        if names is not None and _fits(names, language):
            return names, _note(names, encoding, language)
    raise NamesUnreadableError(
        "the names inside are in an encoding that could not be found out. Pack the folders again"
        " with a program that writes names as UTF-8, such as 7-Zip, or as macOS and Linux do"
    )


def _fits(names: Iterable[str], language: Language) -> bool:
    """Whether most letters and signs of the names are those of the language."""
    chances = _chances(language)
    strange = [letter for name in names for letter in name.lower() if not letter.isascii()]
    known = sum(letter in chances or letter in _WIDE_SIGNS for letter in strange)
    return known >= FEWEST_KNOWN * len(strange)


def _note(names: Iterable[str], encoding: str, language: Language) -> str:
    parts = dict.fromkeys(part for name in names for part in name.split("/") if not part.isascii())
    shown = ", ".join(map(shown_name, list(parts)[:NAMES_SHOWN]))
    return (
        "The archive does not say how its names are encoded. By their letters they were read as"
        f" {language.name} ({_PLAIN_NAMES.get(encoding, encoding)}): {shown}. If that is wrong,"
        " pack the folders again with a program that writes names as UTF-8, such as 7-Zip."
    )


def _likeliest(parts: Sequence[bytes]) -> list[tuple[str, Language]]:
    """The encodings that these parts of names may be in, the likeliest first, with the language."""
    encodings = dict.fromkeys(encoding for language in LANGUAGES for encoding in language.encodings)
    texts = {encoding: _decoded(parts, encoding) for encoding in encodings}
    scores = {
        (encoding, language): language.prior
        + LATER_ENCODING * place
        + sum(_chance(text, language) for text in found)
        for language in LANGUAGES
        for place, encoding in enumerate(language.encodings)
        if (found := texts[encoding]) is not None
    }
    return sorted(scores, key=lambda key: -scores[key])


def _decoded(names: Iterable[bytes], encoding: str) -> list[str] | None:
    """The names in that encoding, or None where one of them cannot be a name in it."""
    try:
        texts = [name.decode(encoding) for name in names]
    except UnicodeDecodeError:
        return None
    return None if any(map(_is_impossible, texts)) else texts


def _is_impossible(text: str) -> bool:
    return any(
        letter > "\x7f" and (unicodedata.category(letter) in _NEVER or ord(letter) in _DRAWN)
        for letter in text
    )


_chances = cache(Language.chances)


def _chance(text: str, language: Language) -> float:
    """The logarithm of the chance that such a language has this part of a name."""
    chances, latin = _chances(language), log(language.latin)
    total, latin_letters, word_is_ascii = 0.0, 0, True
    for before, letter, after in zip(f" {text[:-1]}", text, f"{text[1:]} ", strict=True):
        if letter.isascii():
            total += ASCII
        if not is_letter(letter):
            # A word of a to z alone says nothing.
            total += 0.0 if word_is_ascii else latin_letters * latin
            latin_letters, word_is_ascii = 0, True
            if not letter.isascii():
                wide = language.is_wide and letter in _WIDE_SIGNS
                total += WIDE_SIGN if wide else SIGN
                total += (
                    SIGN_IN_WORD if is_letter(before) and is_letter(after) and not wide else 0.0
                )
        elif letter.isascii():
            latin_letters += 1
        else:
            total += chances.get(letter.lower(), STRANGE_LETTER)
            word_is_ascii = False
        if letter.isupper() and is_letter(before):
            total += UPPER_AFTER_LOWER if before.islower() else UPPER_AFTER_UPPER
    return total + (0.0 if word_is_ascii else latin_letters * latin)
