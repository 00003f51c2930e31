import json

from core.settings import current_settings


def test_cleaning_says_first_what_it_would_drop(home, no_showcase, type_it):  # noqa: ARG001
    folder = current_settings().cache_folder / "prepared"
    folder.mkdir(parents=True)
    (folder / "key.npy").write_bytes(b"x" * 5000)
    shown = json.loads(type_it("storage", "show", "--json")[1])
    assert {"name": "prepared", "meaning": "cache: images of one size", "size_bytes": 5000} in (
        shown["parts"]
    )
    status, _, words = type_it("storage", "clean", "--keep-gb", "0")
    assert (status, "would drop 1 cache entry, 0.1 MB" in words) == (0, True), words
    assert (folder / "key.npy").is_file()
    assert type_it("storage", "clean", "--keep-gb", "0", "--yes")[0] == 0
    assert not (folder / "key.npy").exists()


def test_a_rule_must_be_given_and_be_a_number(home, no_showcase, type_it):  # noqa: ARG001
    assert type_it("storage", "clean")[0] == 2
    status, _, words = type_it("storage", "clean", "--unused-days", "soon")
    assert (status, "--unused-days is 'soon'" in words) == (2, True)


def test_cleaning_follows_the_rule_of_the_settings(home, no_showcase, type_it, monkeypatch):  # noqa: ARG001
    monkeypatch.setenv("HEADSTART_CACHE_GB", "1")
    status, _, words = type_it("storage", "clean")
    assert (status, "would drop 0 cache entries" in words) == (0, True), words
    monkeypatch.setenv("HEADSTART_CACHE_GB", "much")
    status, _, words = type_it("storage", "clean")
    assert (status, "HEADSTART_CACHE_GB is 'much'; it must be a whole number of GB" in words) == (
        2,
        True,
    )
