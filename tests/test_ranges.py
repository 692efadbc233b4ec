"""What settings may be changed to: the forms that are taken, and those that are refused in one line."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgl_rec.config import dump_toml, method_file, method_names, parse
from sgl_rec.errors import UserError
from sgl_rec.ranges import Span, parse_range, parse_ranges
from sgl_rec.settings import read_toml

LEAST: dict[str, Any] = {"loss": {"ranking": {"name": "bpr"}}}


def test_keys_in_quotes_and_tables_are_the_same() -> None:
    quoted = parse_ranges({"loss.ranking.weight": {"low": 0.1, "high": 2.0, "log": True}})
    assert quoted == parse_ranges({"loss": {"ranking": {"weight": {"low": 0.1, "high": 2.0, "log": True}}}})
    assert parse_ranges(quoted) == quoted


@pytest.mark.parametrize(
    ("span", "inside", "outside"),
    [
        (Span(low=1, high=4), [1, 4, 2.0], [0, 5, 2.5, True, "2", None]),
        (Span(low=1, high=8, step=3), [1, 4, 7], [2, 8]),
        (Span(low=0.1, high=2), [0.1, 1, 2.0], [0.09, 2.1, math.nan, [1]]),
    ],
)
def test_what_lies_in_a_span(span: Span, inside: list[Any], outside: list[Any]) -> None:
    assert all(value in span for value in inside)
    assert not any(value in span for value in outside)


def test_ends_and_digits() -> None:
    assert Span(low=1, high=8, step=3).ends == (1, 7)
    assert Span(low=0.12345, high=0.5).rounded(0.123456) == 0.1235
    assert Span(low=0.12345, high=0.5).rounded(0.12346) == 0.1235
    assert Span(low=0.12346, high=0.12349).rounded(0.12347) == 0.12349
    assert Span(low=10, high=99999).rounded(12345) == 12345


BAD: list[tuple[Any, str]] = [
    (5, "must be a table of ranges by key"),
    ({"a.b": 5}, "'a.b' must be {low = ..., high = ...} or a list of choices, got 5"),
    ({"a": {"b": "x"}}, "'a.b' must be {low"),
    ({"a.b": {}}, "'a.b' must have 'low', got none"),
    ({"a.b": {"low": 1}}, "'a.b' must have 'high', got none; correct it"),
    ({"a.b": {"low": 1, "high": 1}}, "must have low below high, got low = 1, high = 1"),
    ({"a.b": {"low": 2, "high": 1}}, "must have low below high"),
    ({"a.b": {"low": 0, "high": 1.0, "log": True}}, "must have low above 0 where log = true, got low = 0"),
    ({"a.b": {"low": 1, "high": 9, "log": True, "step": 2}}, "must have no step"),
    ({"a.b": {"low": 0.5, "high": 9, "step": 2}}, "must have no step"),
    ({"a.b": {"low": 1, "high": 9, "step": 0}}, "must have 'step' as greater than or equal to 1, got 0"),
    ({"a.b": {"low": 1, "high": 9, "stepp": 1}}, "must have low, high, and log or step alone, got 'stepp'"),
    ({"a.b": {"low": "1", "high": 9}}, "must have 'low' as a finite number, got"),
    ({"a.b": {"low": True, "high": 9}}, "must have 'low' as a finite number, got"),
    ({"a.b": {"low": 1.0, "high": math.inf}}, "must have 'high' as a finite number"),
    ({"a.b": []}, "must have two or more choices"),
    ({"a.b": [1]}, "must have two or more choices"),
    ({"a.b": [1, [2]]}, "must have two or more choices, each a number, a text or a truth"),
    ({"a.b": [1, 2, 1]}, "must have distinct choices"),
    ({"a.b": [1.0, math.nan]}, "must have finite choices"),
]


@pytest.mark.parametrize(("values", "fault"), BAD)
def test_a_wrong_range_is_one_line_that_names_file_and_key(values: Any, fault: str) -> None:
    with pytest.raises(UserError) as caught:
        parse({**LEAST, "tune": values}, where="my.toml")
    assert str(caught.value).startswith("my.toml: tune ")
    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_config_keeps_its_ranges(tmp_path: Any) -> None:
    ranges = {"training.batch_size": [512, 2048], "loss.ranking.weight": {"low": 0.1, "high": 2}}
    config = parse({**LEAST, "tune": ranges}, where="here")
    (tmp_path / "c.toml").write_text(dump_toml(config), encoding="utf-8")
    assert parse(read_toml(tmp_path / "c.toml"), where="again") == config
    assert "tune" not in dump_toml(parse(LEAST, where="here"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a.b=1:4", Span(low=1, high=4)),
        ("a.b=1e-3:1:log", Span(low=1e-3, high=1, log=True)),
        ("a.b=64:512:64", Span(low=64, high=512, step=64)),
        ("a.b=1e-3,5e-3", (1e-3, 5e-3)),
        (" a.b = all, batch", ("all", "batch")),
        ("a.b=true,false", (True, False)),
    ],
)
def test_a_range_on_the_command_line(text: str, value: object) -> None:
    assert parse_range(text) == {"a.b": value}


@pytest.mark.parametrize(
    "text", ["", "a.b", "=1:2", "a..b=1:2", "a.b=", "a.b=1:2:3:4", "a.b=2:1", "a.b=5", "a.b=x:y"]
)
def test_another_form_on_the_command_line_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="--range: "):
        parse_range(text)


@given(st.text(max_size=20))
def test_any_text_is_a_range_or_a_clear_error(text: str) -> None:
    try:
        assert len(parse_range(text)) == 1
    except UserError as error:
        assert str(error).startswith("--range: ")  # noqa: PT017 - either is right


def test_the_shipped_methods_declare_a_few_ranges() -> None:
    for dataset in ("default", "demo", "ml-1m"):
        for method in method_names(dataset):
            config = parse(read_toml(method_file(method, dataset=dataset)), where=method)
            assert len(config.tune) <= 4, method
            assert config.tune or method == "popularity", method
