"""What is drawn once for all visitors: the same for everybody, anew when its key changes."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.ui.frame.access import may_edit
from core.ui.frame.drawing import digest_of, draw_once
from core.ui.frame.page import is_presented

drawings: Counter[str] = Counter()


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    st.cache_resource.clear()
    drawings.clear()


def draw_parts(word: str, times: int = 1) -> None:
    """A bit of everything that pages draw in such parts."""
    drawings[word] += 1
    st.header(word, help="why")
    with st.container(horizontal=True):
        st.image(np.zeros((8, 8, 3), np.uint8), width=4, alt="black")
        st.badge("good", icon=":material/check:", color="green")
    with st.expander("The numbers"):
        st.dataframe({"word": [word] * times}, key=f"table.{word}")
    st.plotly_chart({"data": [{"x": [1, 2], "y": [3, times]}]}, key=f"chart.{word}", alt="a line")
    st.metric("Word", word, "+1")


def asks_who_looks(word: str) -> None:
    st.markdown(f"{word}: {may_edit()}")


def asks_how_it_is_shown(word: str) -> None:
    st.markdown(f"{word}: {is_presented()}")


def shared_page() -> None:
    import streamlit as st

    from core.ui.frame.drawing import draw_once
    from tests.ui.frame import test_drawing as parts

    left, right = st.columns(2)
    with left:
        draw_once("key", parts.draw_parts, "left")
    with right:
        draw_once("key", parts.draw_parts, "right", times=3)
    st.button("Again")


def plain_page() -> None:
    import streamlit as st

    from tests.ui.frame import test_drawing as parts

    left, right = st.columns(2)
    with left:
        parts.draw_parts("left")
    with right:
        parts.draw_parts("right", times=3)
    st.button("Again")


def seen(app: AppTest) -> list[Any]:
    """Every block and element in its place, as the browser gets it."""

    def under(node: Any, path: tuple[int, ...]) -> list[Any]:
        found = [(path, node.type, node.proto.SerializeToString() if node.proto else b"")]
        for place, child in getattr(node, "children", {}).items():
            found += under(child, (*path, place))
        return found

    return under(app.main, ())


def opened(page: Any) -> AppTest:
    app = AppTest.from_function(page, default_timeout=60).run()
    assert not app.exception
    return app


def test_every_visitor_sees_what_the_first_one_saw_and_it_is_drawn_once() -> None:
    plain = seen(opened(plain_page))
    drawings.clear()
    first, second = opened(shared_page), opened(shared_page)
    assert seen(first) == seen(second)
    assert [(path, kind) for path, kind, _ in seen(first)] == [
        (path, kind) for path, kind, _ in plain
    ]
    assert len(seen(first)) > 15
    assert seen(first.button[0].click().run()) == seen(second)
    assert drawings == {"left": 1, "right": 1}


@pytest.mark.parametrize(
    ("key", "word", "times"), [("other", "left", 1), ("key", "right", 1), ("key", "left", 2)]
)
def test_another_key_or_argument_is_drawn_anew(key: str, word: str, times: int) -> None:
    draw_once("key", draw_parts, "left", 1)
    draw_once("key", draw_parts, "left", 1)
    assert drawings.total() == 1
    draw_once(key, draw_parts, word, times)
    # What stands for the subject is the key alone.
    assert drawings.total() == (1 if (key, times) == ("key", 1) else 2)


def test_what_fails_is_tried_again() -> None:
    for _ in range(2):
        with pytest.raises(RuntimeError, match="What a visitor may do is not the same for all"):
            draw_once("key", asks_who_looks, "word")
        with pytest.raises(RuntimeError, match="How a page is shown is not the same for all"):
            draw_once("key", asks_how_it_is_shown, "word")


def test_functions_and_arguments_that_a_key_cannot_name_are_refused() -> None:
    with pytest.raises(TypeError, match="may hold values of its own"):
        draw_once("key", lambda word: st.markdown(word), "word")
    with pytest.raises(TypeError, match="cannot be part of a key"):
        draw_once("key", draw_parts, "word", np.zeros(3))  # type: ignore[arg-type]


def test_digests_differ_where_anything_does() -> None:
    parts: list[object] = [1, 1.0, "1", True, None, "None", (1,), ((1,),), "", ()]
    digests = {digest_of(part) for part in parts} | {digest_of(), digest_of(1, 2), digest_of("1,2")}
    assert len(digests) == len(parts) + 3
    assert digest_of("a", (1, None)) == digest_of("a", (1, None))
