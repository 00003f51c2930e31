"""Names in archives that do not say how they are encoded."""

import unicodedata
import zipfile
import zlib

import pytest

from core.datasets.add import add_dataset
from core.datasets.reading.member_names import NamesUnreadableError, decoded_names
from core.datasets.storage import list_datasets
from core.errors import BadInput
from tests.datasets.bad_inputs.making import add_zip
from tests.datasets.field.building import raw_zip
from tests.datasets.pictures import noise_png

CASES = [
    ("gbk", "Chinese (GBK)", ("书法/楷书", "书法/行书", "书法/草书")),
    ("gbk", "Chinese (GBK)", ("猫", "狗", "鸟")),
    ("gbk", "Chinese (GBK)", ("苹果", "香蕉", "梨子")),
    ("cp950", "Chinese (Big5)", ("貓", "狗", "鳥")),
    ("cp950", "Chinese (Big5)", ("功夫", "許願", "蓋子")),  # each has the byte of a backslash
    ("cp932", "Japanese (Shift-JIS)", ("表札", "ソファ", "机")),
    ("cp932", "Japanese (Shift-JIS)", ("ねこ", "いぬ")),
    ("cp949", "Korean (EUC-KR)", ("고양이", "강아지", "새")),
    ("cp949", "Korean (EUC-KR)", ("사과", "배")),
    ("cp866", "Russian (cp866)", ("кошки", "собаки")),
    ("cp866", "Russian (cp866)", ("Кошки и коты", "Собаки (щенки)")),
    ("cp1251", "Russian (cp1251)", ("кошки", "собаки")),
    ("cp1251", "Russian (cp1251)", ("Берёза", "Дуб", "Клён")),
    ("cp1251", "Ukrainian (cp1251)", ("їжак", "ведмідь", "кіт")),
    ("cp737", "Greek (cp737)", ("γάτα", "σκύλος")),
    ("cp1253", "Greek (cp1253)", ("γάτα", "σκύλος", "πουλί")),
    ("cp850", "German (cp850)", ("Käfer", "Vögel", "Würmer")),
    ("cp437", "German (cp850)", ("Käfer", "Vögel", "Füße")),
    ("cp1252", "German (cp1252)", ("Käfer", "Vögel", "Würmer")),
    ("cp1252", "French (cp1252)", ("abeille", "chêne", "érable")),
    ("cp850", "Spanish (cp850)", ("niños", "árboles", "pájaros")),
    ("cp850", "Portuguese (cp850)", ("cão", "leão", "pássaro")),
    ("cp850", "Danish (cp850)", ("bjørn", "får", "æble")),
    ("cp852", "Polish (cp852)", ("łabędź", "żaba", "wąż")),
    ("cp1250", "Czech (cp1250)", ("kočka", "kůň", "člověk")),
    ("cp857", "Turkish (cp857)", ("çiçek", "ağaç", "kuş")),
    ("cp1255", "Hebrew (cp1255)", ("כלבים", "חתולים", "ציפורים")),
    ("cp1256", "Arabic (cp1256)", ("القطط", "الكلاب", "الطيور")),
    ("cp874", "Thai (cp874)", ("แมว", "สุนัข")),
]


@pytest.mark.parametrize(
    ("encoding", "shown", "names"), CASES, ids=[f"{shown}, {names[0]}" for _, shown, names in CASES]
)
def test_the_letters_of_all_names_together_say_the_encoding(encoding, shown, names):
    paths = [f"{name}/{number}.jpg" for name in names for number in range(3)]
    decoded, note = decoded_names([path.encode(encoding) for path in paths])
    assert decoded == paths
    assert note is not None
    assert f" they were read as {shown}: " in note


def test_the_note_shows_three_names():
    paths = [f"{name}/1.jpg" for name in ("кошки", "собаки", "птицы", "рыбы")]
    _, note = decoded_names([path.encode("cp866") for path in paths])
    assert note == (
        "The archive does not say how its names are encoded. By their letters they were read as"
        " Russian (cp866): кошки, собаки, птицы. If that is wrong, pack the folders again with a"
        " program that writes names as UTF-8, such as 7-Zip."
    )


@pytest.mark.parametrize("names", [("cats", "dogs"), ("Röhrling", "Täubling"), ("楷书", "行书")])
def test_ascii_and_utf_8_need_no_note(names):
    assert decoded_names([name.encode() for name in names]) == (list(names), None)


def test_names_that_fit_no_encoding_are_not_guessed():
    with pytest.raises(NamesUnreadableError, match="could not be found out"):
        decoded_names([b"\xff\xdb\xae\xba/1.jpg", b"\xfe\xff\xdb\xb3/2.jpg"])


def _images(*names: bytes) -> list[tuple[bytes, bytes]]:
    return [
        (b"%s/%d.png" % (name, number), noise_png(100 * place + number))
        for place, name in enumerate(names)
        for number in range(3)
    ]


@pytest.mark.usefixtures("home")
def test_a_zip_whose_names_cannot_be_read_is_refused(tmp_path):
    path = tmp_path / "pets.zip"
    path.write_bytes(raw_zip(_images(b"\xff\xdb\xae\xba", b"\xfe\xff\xdb\xb3"))[0])
    with pytest.raises(BadInput, match=r"^pets\.zip: the names inside .* Pack the folders again"):
        add_dataset(path)
    assert list_datasets() == []


@pytest.mark.usefixtures("home")
def test_marked_and_unmarked_names_in_one_zip(tmp_path):
    """Some programs mark only the names that their old encoding does not have."""
    path = tmp_path / "pets.zip"
    path.write_bytes(raw_zip(_images("Käfer".encode("cp850"), "Vögel".encode("cp850")))[0])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("Łabędzie/1.png", noise_png(900))
    assert add_dataset(path).classes == ("Käfer", "Vögel", "Łabędzie")


def unicode_path(text: str, checksum: int) -> bytes:
    """The extra field of Info-ZIP."""
    data = b"\1" + checksum.to_bytes(4, "little") + text.encode()
    return b"\x75\x70" + len(data).to_bytes(2, "little") + data


@pytest.mark.usefixtures("home")
def test_the_unicode_path_of_info_zip_is_believed_where_it_belongs_to_the_name(tmp_path):
    path = tmp_path / "pets.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(3):
            entry = zipfile.ZipInfo(f"c?ts/{number}.png")
            entry.extra = unicode_path(f"căts/{number}.png", zlib.crc32(b"c\x84ts/%d.png" % number))
            archive.writestr(entry, noise_png(number))
            entry = zipfile.ZipInfo(f"d?gs/{number}.png")
            entry.extra = unicode_path(f"dŏgs/{number}.png", 7)  # of a name it had before
            archive.writestr(entry, noise_png(10 + number))
    packed = path.read_bytes().replace(b"c?ts", b"c\x84ts").replace(b"d?gs", b"d\x94gs")
    path.write_bytes(packed)
    assert add_dataset(path).classes == ("căts", "dögs")


@pytest.mark.usefixtures("home")
def test_backslashes_separate_only_where_no_name_has_a_slash(tmp_path):
    images = [noise_png(number) for number in range(6)]
    names = [f"pets\\{pet}\\{number}.png" for pet in ("cats", "dogs") for number in range(3)]
    dataset = add_zip(tmp_path, dict(zip(names, images, strict=True)), "powershell.zip")
    assert dataset.class_counts == {"cats": 3, "dogs": 3}
    images = [noise_png(number) for number in range(10, 16)]
    names = [f"{pet}/a\\{number}.png" for pet in ("cats", "dogs") for number in range(3)]
    dataset = add_zip(tmp_path, dict(zip(names, images, strict=True)), "unix.zip")
    assert dataset.file_names[0] == "cats/a\\0.png"


@pytest.mark.usefixtures("home")
def test_the_names_of_macos_are_composed(tmp_path):
    names = [unicodedata.normalize("NFD", name).encode() for name in ("Röhrling", "Täubling")]
    (tmp_path / "Pilze.zip").write_bytes(raw_zip(_images(*names))[0])
    dataset = add_dataset(tmp_path / "Pilze.zip")
    assert dataset.classes == ("Röhrling", "Täubling")
    assert dataset.health.notes == ()
