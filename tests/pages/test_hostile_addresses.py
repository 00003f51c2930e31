"""What people and programs write into addresses: every parameter of every page and view takes it as
any value that is not there, never as an error."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from core.experiments.store import open_store
from core.settings import PROJECT_ROOT
from tests.pages.addresses import ADDRESSES
from tests.pages.compared import EXPERIMENT, store_compared
from tests.pages.conftest import open_cold
from tests.stored_home import add_arrows

pytestmark = pytest.mark.slow

MORE = {
    "measured-clocks": f"/measured?experiment={EXPERIMENT}&section=clocks",
    "measured-statistics": f"/measured?experiment={EXPERIMENT}&section=statistics",
    "measured-strategies": f"/measured?experiment={EXPERIMENT}&section=strategies",
    "compare-confusion": f"/compare?experiment={EXPERIMENT}&view=pictures&show=confusion",
    "compare-image": f"/compare?experiment={EXPERIMENT}&view=pictures&image=0",
    "dataset-image": "/datasets?dataset=arrows&section=Images&image=0",
    "start-experiment": f"/start?experiment={EXPERIMENT}",
    "watch-experiment": f"/watch?experiment={EXPERIMENT}",
    "benchmark-experiment": f"/benchmark?experiment={EXPERIMENT}",
}
# Which page or view is drawn: these keep what they say while all others are hostile.
OUTER = ("experiment", "dataset", "section", "view", "show")
INNER = (
    *("alarm_cost", "at", "backbone", "baseline", "cells", "class", "colour", "cost"),
    *("curve", "differences", "drawn", "first", "miss_cost", "of", "of_classes", "threshold"),
    *("group", "image", "k", "method", "metric", "page", "point", "predicted", "preset"),
    *("property", "round", "slice"),
    *("scene", "second", "seed", "series", "several", "side", "size", "source", "strategies"),
    *("repeat", "set", "shelf", "sort", "state", "strategy", "tag", "true", "words"),
)
NUMBERS = ("9" * 40, "9" * 5000, "-1", "1e9", "1.5", "NaN", "\N{SUPERSCRIPT TWO}", "0x10", "")
TEXTS = (
    "\N{ARABIC-INDIC DIGIT THREE}",
    "a b\n\t\x00",
    "**x** <script> :red[y]",
    "../..,,",
    "é" * 500,
)


def parameters_in_the_code() -> set[str]:
    """What pages read from the address or offer as a choice that it names."""
    asked = r"\bChoice\(|wanted_(?:number|amount)\(|query_params\.get\(|query_params\["
    named = rf'(?:{asked})\s*(?:name=)?"(\w+)"'
    folders = (PROJECT_ROOT / "core" / "ui", PROJECT_ROOT / "pages")
    texts = (path.read_text(encoding="utf-8") for each in folders for path in each.rglob("*.py"))
    return {name for text in texts for name in re.findall(named, text)}


def test_every_parameter_is_here():
    assert parameters_in_the_code() <= {*INNER, *OUTER}


@pytest.fixture(autouse=True)
def compared(empty_home):  # noqa: ARG001 - sets the home
    store_compared(open_store(), add_arrows())


@pytest.mark.parametrize(("turn", "name"), [*enumerate([*ADDRESSES, *MORE])])
def test_no_value_in_the_address_is_an_error(turn: int, name: str) -> None:
    parts = urlsplit((ADDRESSES | MORE)[name])
    page, own = parts.path.strip("/"), dict(parse_qsl(parts.query))
    outer = {name: own[name] for name in OUTER if name in own}
    # Every value on every sixth page: all pages read the address with the same few functions.
    values = (NUMBERS + TEXTS)[turn % 6 :: 6]
    queries = [dict.fromkeys(INNER, value) | outer for value in values]
    queries += [own | dict.fromkeys(("page", "image", "point", "round", "at"), "9" * 40)]
    queries += [own | {each: ("9" * 40, TEXTS[2])[turn % 2]} for each in outer]
    app = open_cold(page, **own)
    for query in queries:
        app.query_params.clear()
        for key, value in query.items():
            app.query_params[key] = value
        app.run()
        assert not app.exception, query
        assert not app.error, query
