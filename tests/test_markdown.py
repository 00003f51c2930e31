"""Notes as HTML: what is Markdown, and what is shown as it was typed."""

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from core.markdown import safe_html

NEW_TAB = 'target="_blank" rel="noopener noreferrer"'
WRITTEN = [
    ("Seen **twice**, `a < b`", "<p>Seen <strong>twice</strong>, <code>a &lt; b</code></p>\n"),
    ("one\ntwo", "<p>one<br>\ntwo</p>\n"),
    ("# Birds\n\n###### deep", "<h3>Birds</h3>\n<h6>deep</h6>\n"),
    ("- a\n- ~~b~~", "<ul>\n<li>a</li>\n<li><s>b</s></li>\n</ul>\n"),
    (
        "|a|\n|-|\n|1|",
        "<table>\n<thead>\n<tr>\n<th>a</th>\n</tr>\n</thead>\n"
        "<tbody>\n<tr>\n<td>1</td>\n</tr>\n</tbody>\n</table>\n",
    ),
    (
        "```python\nx = 1\n\ny\n```",
        '<pre><code class="language-python">x = 1\n\ny\n</code></pre>\n',
    ),
    (
        "[it](https://example.org/a?b=c)",
        f'<p><a href="https://example.org/a?b=c" {NEW_TAB}>it</a></p>\n',
    ),
    (
        "<ada@example.org>",
        f'<p><a href="mailto:ada@example.org" {NEW_TAB}>ada@example.org</a></p>\n',
    ),
]
LITERAL = [
    ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"),
    ("<b>\n\n**a**", "<p>&lt;b&gt;</p>\n<p><strong>a</strong></p>\n"),
    ("a <img src=x onerror=alert(1)>", "<p>a &lt;img src=x onerror=alert(1)&gt;</p>\n"),
    ("&lt;b&gt;", "<p>&lt;b&gt;</p>\n"),
    ("![eye](https://evil.example/x.png)", "<p>![eye](https://evil.example/x.png)</p>\n"),
    ("![eye][1]\n\n[1]: https://evil.example/x", "<p>![eye](https://evil.example/x)</p>\n"),
    (
        "[![eye](https://evil.example/x.png)](https://example.org)",
        f'<p><a href="https://example.org" {NEW_TAB}>![eye](https://evil.example/x.png)</a></p>\n',
    ),
    ("![eye](data:image/png;base64,AA)", "<p>![eye](data:image/png;base64,AA)</p>\n"),
    ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>\n"),
    ("[x](JaVaScRiPt:alert(1))", "<p>[x](JaVaScRiPt:alert(1))</p>\n"),
    ("[x](&#106;avascript:alert(1))", "<p>[x](javascript:alert(1))</p>\n"),
    ("[x][1]\n\n[1]: javascript:alert(1)", "<p>[x][1]</p>\n<p>[1]: javascript:alert(1)</p>\n"),
    ("<javascript:alert(1)>", "<p>&lt;javascript:alert(1)&gt;</p>\n"),
    ("[x](data:text/html,hi)", "<p>[x](data:text/html,hi)</p>\n"),
    ("[x](//evil.example)", "<p>[x](//evil.example)</p>\n"),
    ("[x](/compare)", "<p>[x](/compare)</p>\n"),
    ("[x]()", "<p><a>x</a></p>\n"),
    (
        '[x](https://example.org "\\"><script>")',
        f'<p><a href="https://example.org" title="&quot;&gt;&lt;script&gt;" {NEW_TAB}>x</a></p>\n',
    ),
    (
        ":red[x] :material/home: :smile: $x^2$ https://example.org",
        "<p>:red[x] :material/home: :smile: $x^2$ https://example.org</p>\n",
    ),
    (
        '~~~"><script>\nx\n~~~',
        '<pre><code class="language-&quot;&gt;&lt;script&gt;">x\n</code></pre>\n',
    ),
]
ELEMENTS = frozenset(
    {
        *("p", "br", "em", "strong", "s", "code", "pre", "blockquote", "hr", "a", "ul", "ol", "li"),
        *("h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
    }
)
PIECES = (
    *("<script>", "<img src=x onerror=alert(1)>", "</p>", "<!--", "-->", "<a href='javascript:1'>"),
    *(
        "[x](",
        "![x](",
        "javascript:1",
        "https://e.org",
        "//e.org",
        "data:text/html,x",
        ")",
        "](",
        "<",
    ),
    *("[1]: ", "[1]", ">", "\n", "\n\n", "    ", "- ", "1. ", "# ", "`", "```", "~~~", "|", "|-|"),
    *("*", "**", "_", "~~", "\\", "&#106;", "&quot;", '"', "'", "a", " ", "\x00", "\u202e"),
)


@pytest.mark.parametrize(("text", "html"), [*WRITTEN, *LITERAL])
def test_what_is_markdown_and_what_is_shown_as_it_was_typed(text, html):
    assert safe_html(text) == html


class Watch(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


@settings(max_examples=150, deadline=None, database=None)
@given(some.lists(some.sampled_from(PIECES), max_size=30))
def test_nothing_else_comes_out_whatever_is_put_together(pieces):
    watch = Watch()
    watch.feed(safe_html("".join(pieces)))
    for tag, attributes in watch.seen:
        assert tag in ELEMENTS
        assert attributes.keys() <= {"href", "title", "target", "rel", "class", "style", "start"}
        assert (attributes.get("href") or "https://").startswith(("https://", "mailto:"))
        assert (attributes.get("style") or "text-align:left").startswith("text-align:")


@pytest.mark.parametrize("text", [">" * 10_000 + "x", "[" * 10_000, "*a" * 5_000, "`" * 9_999])
def test_a_note_that_wants_to_be_deep_is_written_all_the_same(text):
    html = safe_html(text)
    assert html.count("<blockquote>") == html.count("</blockquote>") <= 50
    assert html
