"""More trees of strangers: museums, laboratories, drones, hospitals, shops, schools."""

from tests.datasets.field.building import Tree, images
from tests.datasets.field.expecting import Asks, Case, Read, Told
from tests.datasets.field.own import each, given, inside


def product(*parts: tuple[str, ...], ending: str = "png") -> Tree:
    """An image for each combination of the parts of a path."""
    paths = [""]
    for part in parts:
        paths = [path + piece for path in paths for piece in part]
    return images(*(f"{path}.{ending}" for path in paths))


def numbered(start: str, count: int, width: int = 1) -> tuple[str, ...]:
    return tuple(f"{start}{at:0{width}}" for at in range(1, count + 1))


FRUIT = frozenset(("apple", "pear"))

CASES: dict[str, Case] = {
    "museum, folders": given(
        lambda: product(("coin/", "medal/"), numbered("INV-", 5), ("_front", "_back")),
        Read({"coin": 10, "medal": 10}),
    ),
    "museum, names": given(
        lambda: product(("coin_", "medal_"), numbered("0", 8), ("_recto", "_verso"), ending="tif"),
        Asks(offers=frozenset(("coin", "medal"))),
    ),
    "wells of one plate": given(
        lambda: product(("plate/",), tuple("ABCDEFGH"), numbered("", 6, 2)),
        Asks(("wells of a plate",), offers=frozenset("ABCDEFGH")),
    ),
    "wells of two plates": given(
        lambda: product(("Plate1/", "Plate2/"), tuple("ABCDEFGH"), numbered("", 3, 2)),
        Asks(("wells of a plate",)),
    ),
    "wells, sites and channels": given(
        lambda: product(tuple("ABCD"), numbered("0", 3), ("_s1_",), ("w1", "w2")),
        Asks(offers=frozenset(("w1", "w2"))),
    ),
    "drone tiles": given(
        lambda: product(("field/", "forest/"), ("ortho_",), numbered("", 3), numbered("_", 3)),
        Read({"field": 9, "forest": 9}),
    ),
    "downloads of a search": given(
        lambda: each("images/{c}/Image_{i}.jpg", ("1. red_panda", "2. raccoon", "3. coati"), 8),
        Read({"1. red_panda": 8, "2. raccoon": 8, "3. coati": 8}),
    ),
    "messages of a phone": given(
        lambda: images(*(f"WhatsApp Images/IMG-202401{d}-WA00{d}.jpg" for d in range(10, 26))),
        Told(("one class",)),
    ),
    "school classes": given(
        lambda: inside(("1a", "1b", "2a"), ("Anna Berg", "Tom Ast"), 3),
        Asks(offers=frozenset(("1a", "1b", "2a"))),
    ),
    "projections by patient": given(
        lambda: product(numbered("P", 8, 4), ("/AP", "/LAT")),
        Asks(("same names .AP, LAT",), offers=frozenset(("AP", "LAT"))),
    ),
    "views by article": given(
        lambda: product(numbered("SKU10", 6, 2), ("/front", "/back", "/side")),
        Asks(("same names",), offers=frozenset(numbered("SKU10", 6, 2))),
    ),
    "letters by writer": given(
        lambda: product(numbered("writer", 6, 2), ("/a", "/b", "/c", "/d")),
        Asks(offers=frozenset("abcd")),
    ),
    "bands by scene": given(
        lambda: product(numbered("S2_", 6), ("/B02", "/B03", "/B04", "/B8A"), ending="tif"),
        Asks(("bands of one",)),
    ),
    "bands in classes": given(
        lambda: product(("crop/", "water/"), numbered("tile", 4), ("_B02", "_B03"), ending="tif"),
        Read({"crop": 8, "water": 8}, says=("end in B02 and B03.*not put together",)),
    ),
    "frames of clips": given(
        lambda: product(("run/", "walk/"), numbered("clip_", 3), numbered("/frame_", 4, 4)),
        Read({"run": 12, "walk": 12}, says=("clip_1.*taken as one class",)),
    ),
    "real and fake": given(
        lambda: inside(("car", "cat", "face"), ("0_real", "1_fake"), 4),
        Asks(offers=frozenset(("0_real", "1_fake"))),
    ),
    "crops of words": given(
        lambda: images(*(f"crops/{at}_{chr(97 + at)}word.png" for at in range(14))),
        Told(("one class",)),
    ),
    "writers, then letters": given(
        lambda: inside(("writer01", "writer02", "writer03"), tuple("ABC"), 3),
        Asks(offers=frozenset("ABC")),
    ),
    "writers and letters in names": given(
        lambda: product(numbered("w", 6, 2), ("_a", "_b", "_c"), ("_1", "_2")),
        Asks(offers=frozenset("abc")),
    ),
    "colour and depth": given(
        lambda: product(("apple/", "pear/"), numbered("", 6, 4), ("_rgb", "_depth")),
        Read({"apple": 6, "pear": 6}, says=("12 files named like 0001_depth.png",)),
    ),
    "rgb first, depth first": given(
        lambda: product(("apple/", "pear/"), ("rgb_", "depth_"), numbered("", 6, 4)),
        Read({"apple": 6, "pear": 6}, says=("12 files named like depth_0001.png",)),
    ),
    "previews beside originals": given(
        lambda: product(("apple/", "pear/"), ("originals/", "previews/"), numbered("", 6)),
        Read({"apple": 6, "pear": 6}, says=("12 files in previews, copies",)),
    ),
    "stars": given(
        lambda: each("{c}/{i}.jpg", ("1 star", "2 stars", "3 stars"), 5),
        Read({"1 star": 5, "2 stars": 5, "3 stars": 5}),
    ),
    "sizes of eggs": given(
        lambda: each("eggs/{c}/{i}.jpg", ("small", "medium", "large"), 6),
        Asks(offers=frozenset(("small", "medium", "large"))),
    ),
    "old beside new": given(
        lambda: each("{c}/{c}{i}.jpg", ("old", "new", "broken"), 5),
        Read(frozenset(("old", "new", "broken"))),
    ),
    "old beside fruit": given(
        lambda: each("{c}/{c}{i}.jpg", ("apple", "pear", "old"), 5), Asks(offers=FRUIT)
    ),
}
