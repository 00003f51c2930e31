"""Keys for classes: none twice, none that Streamlit keeps for itself."""

from core.ui.try_it.guess import KEYS, keys_of


def test_a_class_that_is_a_key_has_it():
    assert keys_of(["0", "1", "2", "a"]) == ["0", "1", "2", "a"]


def test_letters_of_the_name_come_before_spare_keys():
    # "bugs" has lost its b; C and R are kept by Streamlit; "ab" and "ba" share their letters.
    assert keys_of(["birds", "bugs", "cars", "b"]) == ["i", "u", "a", "b"]
    assert keys_of(["ab", "ba", "bab", "日本"]) == ["a", "b", "1", "2"]


def test_every_class_has_a_key_of_its_own():
    classes = [f"class {number}" for number in range(len(KEYS))]
    assert sorted(keys_of(classes)) == sorted(KEYS)
    assert not {"c", "r"} & set(keys_of(classes))
