"""TOML files, single settings, and one over another."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgl_rec.errors import UserError
from sgl_rec.settings import DEEPEST, merge, parse_setting, read_toml


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = ", b"a = 1\na = 2", b"\x00"])
def test_a_file_that_is_no_toml_is_named(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"my\.toml: must be a readable TOML file"):
        read_toml(file)


def test_an_absent_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no\.toml: config file must exist"):
        read_toml(tmp_path / "no.toml")
    with pytest.raises(UserError, match="must be a readable TOML file"):
        read_toml(tmp_path)


def test_merge_goes_table_by_table_and_changes_nothing() -> None:
    base, over = {"a": {"x": 1, "y": {"z": 2}}, "b": 3}, {"a": {"y": {"w": 4}}, "b": 5}
    assert merge(base, over) == {"a": {"x": 1, "y": {"z": 2, "w": 4}}, "b": 5}
    assert base == {"a": {"x": 1, "y": {"z": 2}}, "b": 3}


def test_a_part_whose_name_is_no_text_is_refused_and_not_lost() -> None:
    config = merge({"encoder": {"name": "lightgcn", "num_layers": 2}}, {"encoder": {"name": math.nan}})
    assert merge(config, {"encoder": {"num_layers": 1}})["encoder"].keys() == {"name", "num_layers"}


def test_a_range_goes_over_another_as_a_whole() -> None:
    wide = {"low": 1e-4, "high": 1.0, "log": True}
    for below in (wide, [1, 2]):
        over = {"tune": {"training.learning_rate": {"low": 1, "high": 2}}}
        assert merge({"tune": {"training.learning_rate": below}}, over) == over
    assert merge({"views": {"low": 1, "name": "x"}}, {"views": {"low": 2}}) == {"views": {"low": 2, "name": "x"}}


def test_a_table_over_a_value_is_refused_and_not_lost() -> None:
    with pytest.raises(UserError, match="'training' must be a table everywhere or nowhere, got 'fast' and"):
        merge({"training": "fast"}, {"training": {"max_epochs": 1}})
    said = (
        r"'views' must be a list, as it is there, got \{'name': 'flip'\}; set the whole of it, as views=\[\{name"
    )
    with pytest.raises(UserError, match=said):
        merge({"views": [{"name": "affine"}]}, {"views": {"name": "flip"}})


@pytest.mark.parametrize("depth", [DEEPEST + 1, 3000])
@pytest.mark.parametrize("form", ["x{}=1", "x=1\n[x{}]", "y={}"])
def test_a_very_deep_file_is_refused(tmp_path: Path, form: str, depth: int) -> None:
    inside = "[" * depth + "]" * depth if form == "y={}" else ".a" * depth
    file = tmp_path / "deep.toml"
    file.write_text(form.format(inside))
    with pytest.raises(UserError, match=r"deep\.toml: "):
        read_toml(file)


def test_a_number_of_very_many_digits_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "long.toml"
    file.write_text("training.seed = " + "9" * 5000)
    with pytest.raises(UserError, match=r"long\.toml: must be a readable TOML file"):
        read_toml(file)
    assert parse_setting("a.b=" + "9" * 5000) == {"a": {"b": "9" * 5000}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a.b=1", 1),
        ("a.b=1e-3", 1e-3),
        ("a.b = true", True),
        ("a.b=[1, 2]", [1, 2]),
        ('a.b="x y"', "x y"),
        ("a.b=all", "all"),
        ("a.b=x=y", "x=y"),
        ("a.b=", ""),
    ],
)
def test_a_setting_is_toml_or_a_bare_word(text: str, value: object) -> None:
    assert parse_setting(text) == {"a": {"b": value}}


@pytest.mark.parametrize("text", ["", "a", "=1", "a..b=1", ".a=1", "a.=1"])
def test_a_setting_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"--set: setting must be section\.key=value"):
        parse_setting(text)


@given(st.text(max_size=20))
def test_any_setting_is_a_dictionary_or_a_clear_error(text: str) -> None:
    try:
        assert isinstance(parse_setting(text), dict)
    except UserError as error:
        assert str(error).startswith("--set: ")  # noqa: PT017 - either is right
