"""Folders as they lie in packages of Debian and npm: icons, emoji, flags, games, wallpapers.

Their names and nesting in small; the images are our own.
"""

import io
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from tests.datasets.field.building import Tree, classes, folder, images, pixels, text
from tests.datasets.field.expecting import Asks, Case, Read, Told, case

KINDS = ("actions", "apps", "places")
COINS = ("ada", "bch", "bnb", "btc", "dash", "doge", "eos", "etc", "eth", "ltc", "neo", "xmr")
EMOJI = tuple(f"1f6{n:02x}" for n in range(30))
_MADE = 48


def drawing(name: str, size: int, colour: str = "RGB") -> bytes:
    """The drawing of that name at a size, in colours or in grey."""
    buffer = io.BytesIO()
    image = Image.fromarray(pixels(name, _MADE)).convert(colour).resize((size, size))
    image.save(buffer, "PNG")
    return buffer.getvalue()


def icons(places: Iterable[tuple[str, int]], names: Iterable[str], colour: str = "RGB") -> Tree:
    """Every drawing in every place, with its size there."""
    names = tuple(names)
    return {
        f"{place}/{name.rpartition('/')[2]}.png": drawing(name, size, colour)
        for place, size in places
        for name in names
    }


def kind_names(kind: str) -> list[str]:
    return [f"{kind}/{kind[:-1]}-{word}" for word in ("add", "edit", "find", "go", "open", "save")]


def sizes_then_kinds(root: Path) -> Path:
    trees = [icons([(f"{n}x{n}/{k}", n) for n in (16, 22, 32)], kind_names(k)) for k in KINDS]
    return folder(root, *trees, {"index.theme": text("[Icon Theme]", "Name=Small")}, name="gnome")


def kinds_then_sizes(root: Path) -> Path:
    trees = [icons([(f"{k}/{n}", n) for n in (16, 22, 32)], kind_names(k)) for k in KINDS]
    return folder(root, *trees, {"index.theme": text("[Icon Theme]", "Name=Small")}, name="Faenza")


def variants(root: Path, sizes: tuple[int, ...]) -> Path:
    tree: Tree = {}
    for size in sizes:
        top = f"{size}/" if len(sizes) > 1 else ""
        for colour, mode in (("black", "1"), ("color", "RGB"), ("white", "L")):
            tree |= icons([(f"{top}{colour}", size)], COINS, mode)
    return folder(root, tree)


def one_icon_in_sizes(root: Path) -> Path:
    places = [(f"{size}x{size}/apps", size) for size in (16, 22, 24, 32, 48)]
    return folder(root, icons(places, ["pidgin"]), name="hicolor")


def emoji_and_sheets(root: Path) -> Path:
    tree = icons([("img/twitter/64", 32)], EMOJI)
    for sheets in ("sheets", "sheets-128", "sheets-256"):
        tree |= images(*(f"img/twitter/{sheets}/{size}.png" for size in (16, 20, 32, 64)))
    rows = ",".join(f'{{"image": "{name}.png", "category": "Smileys"}}' for name in EMOJI)
    return folder(root, tree, {"emoji.json": f"[{rows}]".encode()}, name="package")


def emoji_in_sizes(root: Path) -> Path:
    tree = icons([(f"png/{size}", size) for size in (16, 32, 48)], EMOJI)
    return folder(root, tree, images(*(f"sprites/sheet-{n}.png" for n in range(6))))


def links_to_icons_beside(root: Path) -> Path:
    """As in any icon theme: ``list-add.png`` is a link to ``add.png`` in the same folder."""
    given = folder(root, *(icons([(kind, 32)], kind_names(kind)) for kind in KINDS))
    for kind in KINDS:
        (given / kind / "list-add.png").symlink_to(f"{kind[:-1]}-add.png")
    return given


def flags(root: Path) -> Path:
    countries = ("belgium", "japan", "peru")
    return folder(root, images(*(f"flag{n}.png" for n in range(9))), classes("", countries, 5))


def files_of_a_game(root: Path) -> Path:
    tree = classes("data/images/", ("core", "exits", "traps"), 6, "png")
    beside = {f"{path[:-4]}.sprite": text(f'(image-file "{path}")') for path in tree}
    return folder(root, tree, beside)


def wallpapers(root: Path) -> Path:
    tree: Tree = {}
    for name in ("Altai", "Autumn", "Cascade", "Cluster"):
        for size, place in ((48, "images/5120x2880"), (32, "images/1080x1920"), (16, "screenshot")):
            tree[f"{name}/contents/{place}.png"] = drawing(name, size)
        tree[f"{name}/metadata.json"] = text('{"KPlugin": {}}')
    return folder(root, tree)


def only_drawings(root: Path) -> Path:
    svg = '<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 {0}h9"/></svg>'
    names = [f"{colour}/svg/{name}.svg" for colour in ("black", "color") for name in EMOJI]
    return folder(root, {name: text(svg.format(at)) for at, name in enumerate(names)})


_KINDS_READ = Read(dict.fromkeys(KINDS, 18))
_KINDS_OFFERED = Asks(offers=frozenset(KINDS))
_NO_CLASSES = (Asks(), Told())

CASES: dict[str, Case] = {
    "icons: sizes, then kinds": case(sizes_then_kinds, _KINDS_READ, _KINDS_OFFERED),
    "icons: kinds, then sizes": case(kinds_then_sizes, _KINDS_READ, _KINDS_OFFERED),
    "drawings in variants": case(lambda root: variants(root, (32,)), *_NO_CLASSES),
    "sizes, then variants": case(lambda root: variants(root, (16, 32)), *_NO_CLASSES),
    "one icon in sizes": case(one_icon_in_sizes, *_NO_CLASSES),
    "emoji and sheets": case(emoji_and_sheets, *_NO_CLASSES),
    "emoji in sizes": case(emoji_in_sizes, *_NO_CLASSES),
    "wallpapers in sizes": case(wallpapers, *_NO_CLASSES),
    "links to icons beside": case(links_to_icons_beside, Read(dict.fromkeys(KINDS, 7))),
    "flags": case(flags, Read({"belgium": 5, "japan": 5, "peru": 5}, says=("9 files outside",))),
    "files of a game": case(files_of_a_game, Read({"core": 6, "exits": 6, "traps": 6})),
    "only drawings": case(only_drawings, Told(("SVG|vector",), (r"\.svg.*\.svg.*\.svg",))),
}
