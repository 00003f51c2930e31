"""Trees and tables of people who never read a document: by phone, by hand, by a program."""

from collections.abc import Callable, Iterable
from pathlib import Path

from tests.datasets.field.building import Tree, folder, images, spot, text
from tests.datasets.field.expecting import ANY, Asks, Case, Expected, Read, Told, case


def given(tree: Callable[[], Tree], *expected: Expected) -> Case:
    def build(root: Path) -> Path:
        return folder(root, tree())

    return case(build, *expected)


def each(pattern: str, names: Iterable[object], count: int) -> Tree:
    """An image for each name and number: ``{c}`` and ``{i}`` in the pattern."""
    return images(*(pattern.format(c=name, i=at) for name in names for at in range(count)))


def table(name: str, header: str, rows: Iterable[str]) -> Tree:
    return {name: text(header, *rows)}


def with_copies(pattern: str, names: Iterable[object], count: int, *copies: str) -> Tree:
    """Images with their copies: ``{o}`` is the name of the image without its ending."""
    tree: Tree = {}
    for path in each(pattern, names, count):
        above, _, name = path.rpartition("/")
        paths = (f"{above}/{copy.format(o=name.rpartition('.')[0])}" for copy in copies)
        tree |= images(path, *paths)
    return tree


def ages() -> Tree:
    rows = (f"{at}.jpg,{18 + at * 7 % 61}" for at in range(60))
    return each("faces/{i}.jpg", [""], 60) | table("ages.csv", "file,age", rows)


def faces() -> Tree:
    names = (f"{1 + at * 7 % 90}_{at % 2}_{at % 5}_2017010{1 + at % 9}{at:04}" for at in range(40))
    return images(*(f"UTKFace/{name}.jpg.chip.jpg" for name in names))


def folds() -> Tree:
    rows = (f"img/{at}.png,{'abc'[at % 3]},{at % 5}" for at in range(30))
    return each("img/{i}.png", [""], 30) | table("folds.csv", "path,label,fold", rows)


def text_each(words: Iterable[str], prefix: str = "data/") -> Tree:
    tree: Tree = {}
    for at, word in enumerate(words):
        tree |= images(f"{prefix}{at}.jpg") | {f"{prefix}{at}.txt": text(word)}
    return tree


def objects_with_depth() -> Tree:
    tree: Tree = {}
    for kind in ("chair", "table"):
        for at in range(6):
            name = f"{kind}/{kind}_1_1_{at}"
            tree |= images(f"{name}_crop.png", f"{name}_depthcrop.png")
            tree[f"{name}_maskcrop.png"] = spot(name)
    return tree


def ids_without_endings() -> Tree:
    kinds = ("healthy", "sick", "very sick")
    rows = (f"{at:08x},{kinds[at % 3]}" for at in range(20))
    return (
        each("train_images/{i:08x}.png", [""], 20)
        | each("test_images/a{i:07x}.png", [""], 5)
        | table("train.csv", "id_code,diagnosis_name", rows)
        | table("test.csv", "id_code", (f"a{at:07x}" for at in range(5)))
    )


def screws() -> Tree:
    rows = (f"Schraube {at}.jpg;{('gut', 'schlecht')[at % 2]};{at},5" for at in range(18))
    lines = "\n".join(["Dateiname;Klasse;Gewicht (g)", *rows])
    return each("Bilder/Schraube {i}.jpg", [""], 18) | {"Liste.csv": lines.encode("cp1252")}


def eyes() -> Tree:
    names = [f"{at}_{eye}" for at in range(10, 20) for eye in ("left", "right")]
    rows = (f"{name},{int(name[:2]) % 5}" for name in names)
    tree = images(*(f"{name}.jpeg" for name in names))
    return tree | table("trainLabels.csv", "image,level", rows)


def cars() -> Tree:
    makes, models = ("Audi", "BMW"), ("A4", "320i", "A6", "M3")
    rows = (f"{at:05}.jpg,{makes[at % 2]},{models[at % 4]},{2010 + at % 3}" for at in range(24))
    return each("cars/{i:05}.jpg", [""], 24) | table("cars.csv", "filename,make,model,year", rows)


def attributes() -> Tree:
    rows = (f"{at}.jpg,{at % 2},{at % 3 == 0},{int(at % 7 == 0)}" for at in range(20))
    header = "image,is_indoor,has_person,is_blurry"
    return each("{i}.jpg", [""], 20) | table("attributes.csv", header, rows)


def two_versions() -> Tree:
    first = each("v1/{c}/{c}{i}.png", ("ok", "nok"), 6)
    again = {path.replace("v1/", "v2/"): content for path, content in first.items()}
    return first | again | each("v2/{c}/more{c}{i}.png", ("ok", "nok"), 3)


def json_of_names() -> Tree:
    names = ", ".join(f'"{at}.png": "{("cat", "dog")[at % 2]}"' for at in range(16))
    return each("images/{i}.png", [""], 16) | {"labels.json": text(f"{{{names}}}")}


def species() -> Tree:
    cats, dogs = ("Felis catus", "Panthera leo"), ("Canis lupus", "Vulpes vulpes")
    return each("Felidae/{c}/{c}{i}.jpg", cats, 5) | each("Canidae/{c}/{c}{i}.jpg", dogs, 5)


def inside(outer: Iterable[str], inner: Iterable[str], count: int) -> Tree:
    pairs = [f"{a}/{b}" for a in outer for b in inner]
    return images(*(f"{p}/{p.replace('/', '-')}-{at}.jpg" for p in pairs for at in range(count)))


def by_month() -> Tree:
    months = ("2024-01", "2024-02", "2024-03")
    return images(
        *(f"{m}/IMG_{m[:4]}{m[5:]}{d}_1200{d}.jpg" for m in months for d in range(10, 18))
    )


TREES = ("ash", "elm", "oak")
PETS = frozenset(("cat", "dog"))
AB = ("trainA", "trainB", "testA", "testB")

CASES: dict[str, Case] = {
    "albums by month": given(by_month, Asks(("batches, cameras or days",))),
    "ids without endings": given(
        ids_without_endings,
        Read({"healthy": 7, "sick": 7, "very sick": 6}, says=("5 images that no usable row",)),
    ),
    "patients, then labels": given(
        lambda: inside(("10250", "10251", "10252"), ("0", "1"), 5),
        Asks(offers=frozenset(("0", "1"))),
    ),
    "a spreadsheet": given(
        lambda: each("pics/{i}.jpg", [""], 9) | {"labels.xlsx": b"PK\3\4" + bytes(200)},
        Told(("labels.xlsx is a spreadsheet", "Save it as CSV")),
    ),
    "semicolons and commas": given(screws, Read({"gut": 9, "schlecht": 9})),
    "left and right eyes": given(eyes, Read({str(level): 4 for level in range(5)})),
    "sites by day and night": given(
        lambda: inside(("gate", "yard", "roof"), ("day", "night"), 4),
        Read({"gate": 8, "roof": 8, "yard": 8}, says=("day, night.*taken as one class",)),
    ),
    "before and after": given(
        lambda: each("{c}/house_{i}.jpg", ("before", "after"), 10), Asks(("belongs to one",))
    ),
    "from A to B": given(
        lambda: each("{c}/{c}-{i}.jpg", AB, 9),
        Read({"A": 18, "B": 18}, {"train": 18, "test": 18}, says=("testA, testB, trainA",)),
    ),
    "class and subset by hyphen": given(
        lambda: each("{c}/{i}.jpg", ("cats-train", "cats-test", "dogs-train", "dogs-test"), 5),
        Read({"cats": 10, "dogs": 10}, {"train": 10, "test": 10}),
    ),
    "class and subset, validation": given(
        lambda: each("{c}/{i}.jpg", ("val_dogs", "val_cats", "train_cats", "train_dogs"), 5),
        Read(frozenset(("cats", "dogs")), ANY),
    ),
    "sets and images of classes": given(
        lambda: each(
            "{c}/{c}{i}.png",
            ("Training Images Cats", "Testset Cats", "Training Images Dogs", "Testset Dogs"),
            6,
        ),
        Read({"Cats": 12, "Dogs": 12}, {"train": 12, "test": 12}),
    ),
    "class and subset, one missing": given(
        lambda: each("{c}/{c}{i}.png", ("train_cats", "train_dogs", "test_cats"), 6),
        Asks(("say the class and the subset",), offers=frozenset(("cats", "dogs"))),
    ),
    "stations are no subsets": given(
        lambda: each("{c}/{c}{i}.png", ("train_station", "bus_station", "test_track"), 6),
        Read(frozenset(("train_station", "bus_station", "test_track"))),
    ),
    "folds": given(
        folds, Read(dict.fromkeys("abc", 10), says=("'fold' was not used as the split",))
    ),
    "ages": given(ages, Asks(("looks like a measured number",))),
    "faces by age, sex and place": given(faces, Asks(offers=frozenset("01"))),
    "thumbnails": given(
        lambda: with_copies("{c}/{c}{i}.jpg", TREES, 6, "thumbs/{o}.jpg"),
        Read(dict.fromkeys(TREES, 6), says=("18 files in thumbs, copies",)),
    ),
    "resized beside": given(
        lambda: with_copies("{c}/{i}.jpg", TREES, 6, "256x256/{o}.png", "cropped/{o}_cropped.jpg"),
        Read(dict.fromkeys(TREES, 6), says=("in 256x256, copies", "in cropped, copies")),
    ),
    "sizes in names": given(
        lambda: with_copies("{c}/{c}{i}.jpg", TREES, 5, "{o}-150x150.jpg", "{o}-300x200.jpg"),
        Read(dict.fromkeys(TREES, 5), says=("30 files named like .*, copies",)),
    ),
    "edited beside": given(
        lambda: with_copies("{c}/{c}_{i}.jpg", TREES, 5, "{o}-edited.jpg"),
        Read(dict.fromkeys(TREES, 5), says=("15 files named like .*-edited.jpg",)),
    ),
    "a map in JSON": given(json_of_names, Read({"cat": 8, "dog": 8})),
    "a word beside each image": given(
        lambda: text_each(["cat", "dog"] * 7),
        Read({"cat": 7, "dog": 7}, says=("0.txt says 'cat'",)),
    ),
    "a word beside each image, by day": given(
        lambda: text_each(["cat", "dog"] * 5, "day1/") | text_each(["dog", "cat"] * 5, "day2/b"),
        Asks(("0.txt says",), offers=PETS),
    ),
    "descriptions are no classes": given(
        lambda: (
            text_each((f"a cat {at}, soft light" for at in range(8)), "cat/a")
            | text_each((f"a dog {at}, soft light" for at in range(8)), "dog/b")
        ),
        Read({"cat": 8, "dog": 8}),
    ),
    "numbers are no words": given(lambda: text_each(["1", "2"] * 7), Told(never=("says '1'",))),
    "family, then species": given(species, Asks(offers=frozenset(("Canidae", "Felidae")))),
    "two versions": given(
        two_versions, Read({"nok": 9, "ok": 9}, says=("12 files in v2 that are in v1",))
    ),
    "make and model": given(cars, Asks(offers=frozenset(("Audi", "BMW")))),
    "put aside": given(
        lambda: each("{c}/{c}{i}.jpg", ("cat", "dog", "_unsorted", "New folder (2)"), 6),
        Asks(("put aside",), offers=PETS),
    ),
    "put aside in each year": given(
        lambda: inside(("2021", "2022"), ("cat", "dog", "todo"), 4), Asks(offers=PETS)
    ),
    "copies of folders": given(
        lambda: each("{c}/{c}{i}.jpg", ("cat", "dog", "dog - Copy", "cat (1)", "cat_augmented"), 6),
        Asks(("copies",), offers=PETS),
    ),
    "words in a folder of labels": given(
        lambda: {
            path.replace("0/", "labels/") if path.endswith("txt") else path: content
            for path, content in text_each(["cat", "dog"] * 7, "0/").items()
        },
        Read({"cat": 7, "dog": 7}),
    ),
    "unknown and other are classes": given(
        lambda: each("{c}/{c}{i}.jpg", ("cat", "dog", "other", "unknown", "background"), 4),
        Read(frozenset(("cat", "dog", "other", "unknown", "background"))),
    ),
    "trash among waste": given(
        lambda: each("{c}/{c}{i}.jpg", ("glass", "paper", "metal", "trash"), 4),
        Read(frozenset(("glass", "paper", "metal", "trash"))),
    ),
    "rejected beside accepted": given(
        lambda: each("{c}/{c}{i}.jpg", ("accepted", "rejected", "rework"), 4),
        Read(frozenset(("accepted", "rejected", "rework"))),
    ),
    "depth and masks by suffix": given(
        objects_with_depth, Read({"chair": 6, "table": 6}, says=("depthcrop", "maskcrop"))
    ),
    "articles of a shop": given(
        lambda: each("{c}-{i:02}-front.jpg", ("mug-red", "mug-blue", "plate-white"), 6),
        Asks(offers=frozenset(("mug", "plate"))),
    ),
    "a class called train": given(
        lambda: each("{c}/{c}{i}.jpg", ("bus", "train", "tram"), 6),
        Read({"bus": 6, "train": 6, "tram": 6}),
    ),
    "several marks": given(attributes, Asks(("is_indoor", "has_person"))),
    "days, then classes": given(
        lambda: inside(("2024-05-01", "2024-05-02", "2024-05-08"), ("crop", "weed"), 4),
        Read({"crop": 12, "weed": 12}, says=("were put together",)),
    ),
}
