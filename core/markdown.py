"""Markdown that people write, as HTML that is safe to show: one rule for pages and reports.

CommonMark, with tables and struck-out text; a line break is one. Some of it is shown literally:

- HTML;
- images: they would be fetched from elsewhere, and whoever runs that place would know who looks;
- links to anything but a web page (``http``, ``https``) or an e-mail address (``mailto``).

Pages show the HTML, not the Markdown: Streamlit's own signs (``:red[...]``, ``:material/...:``,
``:smile:``, ``$...$``) are text like any other.
"""

import re
from collections.abc import Sequence
from html import escape

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

_FOLLOWED = re.compile(r"(?i)(https?://[^/]|mailto:[^/])")
# Where the text is shown there is a first and a second heading already.
_LEVELS_ABOVE = 2
# Text deeper than this is left out: nobody writes it, and each level costs Python a few calls.
_MOST_LEVELS = 50


def safe_html(text: str) -> str:
    """``text`` as HTML elements: headings begin at ``h3``, links open another tab."""
    written: str = _READER.render(text)
    return written


class _Reader(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 - their name of it
        """Whether an address becomes a link; else what was typed stays as it is."""
        return _FOLLOWED.match(url) is not None


class _Writer(RendererHTML):
    """Each method writes the tokens of its name."""

    def heading_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        token = tokens[idx]
        token.tag = f"h{min(6, int(token.tag[1:]) + _LEVELS_ABOVE)}"
        return self.renderToken(tokens, idx, options, env)

    heading_close = heading_open

    def link_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        token = tokens[idx]
        if token.attrGet("href"):  # of [x]() it is empty
            token.attrs |= {"target": "_blank", "rel": "noopener noreferrer"}
        else:
            token.attrs = {}
        return self.renderToken(tokens, idx, options, env)

    def image(
        self,
        tokens: Sequence[Token],
        idx: int,
        options: OptionsDict,  # noqa: ARG002 - their interface
        env: EnvType,  # noqa: ARG002
    ) -> str:
        token = tokens[idx]
        return escape(f"![{token.content}]({token.attrGet('src')})")


_RULES = {"html": False, "breaks": True, "maxNesting": _MOST_LEVELS}
_READER = _Reader("default", _RULES, renderer_cls=_Writer)
