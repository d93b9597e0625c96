"""A misspelt name finds the known one, and a name is the same in every Unicode normal form."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sedlib.names import nearest, normal_name


def test_the_nearest_name_ignores_case_and_spacing():
    known = ["Door bell", "knocking", "Opening/closing doors"]
    assert nearest("DOOR  BELL", known) == "Door bell"
    assert nearest(" kno cking", known) == "knocking"
    assert nearest("opening / closing door", known) == "Opening/closing doors"


def test_a_name_that_is_not_similar_enough_is_not_found():
    assert nearest("yodelling", ["knocking"], cutoff=0.9) is None
    assert nearest("yodelling", ["knocking"]) == "knocking"
    assert nearest("knocking", []) is None


@given(st.lists(st.text("abc", min_size=1), min_size=1, unique=True), st.data())
def test_the_nearest_name_to_a_known_name_is_that_name(known, data):
    name = data.draw(st.sampled_from(known))
    assert nearest(name.upper(), known, cutoff=1.0) == name


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_name_is_the_same_in_every_unicode_normal_form(form):
    for name in ("Amélie S01", "Überfall", "박수", "plain", "caf\udce9"):
        assert normal_name(unicodedata.normalize(form, name)) == normal_name(name)
    assert normal_name("plain") == "plain"
    assert normal_name("Ep") != normal_name("ep")
