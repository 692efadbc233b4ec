"""Strict typed config: what it takes, what it refuses, and in which words."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from sgl_rec.config import (
    LossPart,
    Part,
    complete_part,
    dump_toml,
    method_file,
    method_names,
    parse,
    parse_data,
)
from sgl_rec.errors import UserError
from sgl_rec.registry import Registry
from sgl_rec.settings import merge, read_toml

LEAST: dict[str, Any] = {"loss": {"ranking": {"name": "bpr"}}}


def with_value(key: str, value: object) -> dict[str, Any]:
    nested: Any = value
    for step in reversed(key.split(".")):
        nested = {step: nested}
    return merge(LEAST, nested)


def test_defaults_stand_where_nothing_is_said() -> None:
    config = parse(LEAST, where="here")
    assert config.data.dataset == "demo"
    assert config.training.metric == "ndcg@20"
    assert config.evaluation.k == (10, 20)
    assert config.views is None
    assert config.loss == {"ranking": LossPart(name="bpr", weight=1.0)}


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("training.lerning_rate", "learning_rate"),
        ("data.datset", "dataset"),
        ("evaluation.ks", "k"),
        ("trainig", "training"),
    ],
)
def test_an_unknown_key_names_the_nearest(key: str, hint: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(with_value(key, 1), where="my.toml")
    assert str(caught.value) == f"my.toml: '{key}' must be a known key; did you mean '{hint}'?"


def test_an_unknown_key_far_from_all_lists_them() -> None:
    with pytest.raises(UserError, match="known: columns, dataset, delimiter"):
        parse(with_value("data.zzzz", 1), where="my.toml")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("training.learning_rate", "fast"),
        ("training.learning_rate", 0),
        ("training.learning_rate", -1.0),
        ("training.learning_rate", math.inf),
        ("training.learning_rate", math.nan),
        ("training.batch_size", 0),
        ("training.batch_size", 2.5),
        ("training.batch_size", True),
        ("training.seed", -1),
        ("training.refit", "some"),
        ("training.precision", "float8"),
        ("training", 5),
        ("encoder", 5),
        ("encoder", {}),
        ("loss", {}),
        ("loss", 5),
        ("loss.ranking.weight", -1.0),
        ("evaluation.k", []),
        ("evaluation.k", [0]),
        ("evaluation.k", [1.5]),
        ("evaluation.k", "10"),
        ("data.dataset", 5),
        ("method", 5),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_key(key: str, value: object) -> None:
    values = {"loss": value} if key == "loss" else with_value(key, value)
    with pytest.raises(UserError) as caught:
        parse(values, where="my.toml")
    assert str(caught.value).startswith("my.toml: " + key)
    assert "\n" not in str(caught.value)


def test_cut_offs_are_sorted_and_distinct() -> None:
    assert parse(with_value("evaluation.k", [20, 5, 20]), where="here").evaluation.k == (5, 20)
    assert parse(with_value("evaluation.k", 7), where="here").evaluation.k == (7,)


@pytest.mark.parametrize("method", sorted(method_names()))
def test_every_shipped_method_reads_and_survives_a_round_trip(method: str, tmp_path: Path) -> None:
    config = parse(read_toml(method_file(method, dataset="demo")), where=method)
    assert config.summary
    copy = tmp_path / "config.toml"
    copy.write_text(dump_toml(config), encoding="utf-8")
    assert parse(read_toml(copy), where="copy") == config


def test_a_method_is_a_name_or_a_file(tmp_path: Path) -> None:
    own = tmp_path / "mine.toml"
    own.write_text("summary = 'x'")
    assert method_file(str(own), dataset="demo") == own
    assert method_file("lightgcn", dataset="demo").name == "lightgcn.toml"
    with pytest.raises(UserError, match="got 'lightgc'; did you mean 'lightgcn'"):
        method_file("lightgc", dataset="demo")
    with pytest.raises(UserError, match=r"absent\.toml must be a method's file, got none; check the path"):
        method_file(str(tmp_path / "absent.toml"), dataset="demo")


@pytest.mark.parametrize("dataset", ["../configs/default", "/", "", ".", "no such set"])
def test_a_path_as_data_set_looks_in_no_other_folder(dataset: str) -> None:
    assert method_names(dataset) == method_names()


def part(size: int, *, rate: float, count: int = 3, generator: object = None) -> None:
    """A part as a room would have it; ``size`` and ``generator`` come from the program."""


PARTS = Registry("part", {"it": f"{__name__}:part"})


def test_a_part_is_completed_with_its_defaults() -> None:
    filled = complete_part(Part(name="it", rate=0.5), PARTS, where="views", provided=("generator",))
    assert filled == {"rate": 0.5, "count": 3}


def test_a_part_nobody_knows_is_named_with_its_table() -> None:
    with pytest.raises(UserError, match="late_sum: name must be a known part, got 'ti'; known: it"):
        complete_part(Part(name="ti"), PARTS, where="late_sum")


def test_a_table_without_the_name_of_its_part_says_the_key() -> None:
    with pytest.raises(UserError) as caught:
        parse(with_value("late_sum", {"weight": 2.0}), where="mine")
    assert str(caught.value) == "mine: late_sum.name must be given, got none; add this key"


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"rate": 0.5, "cuont": 3}, "'cuont' must be an argument of part 'it'; did you mean 'count'"),
        ({"rate": 0.5, "generator": 3}, "'generator' must be an argument"),
        ({"rate": 0.5, "size": 3}, "'size' must be an argument"),
        ({"rate": "much"}, "views: rate input should be a valid number"),
        ({"rate": math.nan}, "views: rate input should be a finite number"),
        ({"count": 1}, "views: rate must be given, got none; add this key"),
    ],
)
def test_a_parts_arguments_are_checked(given: dict[str, object], fault: str) -> None:
    with pytest.raises(UserError, match=fault):
        complete_part(Part(name="it", **given), PARTS, where="views", provided=("generator",))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"split": "random", "split_column": "fold"}, "leave split_column out, or split ('random')"),
        ({"valid_share": 0.5, "test_share": 0.5}, "must have valid_share + test_share below 1, so that"),
    ],
)
def test_keys_that_do_not_go_together(data: dict[str, object], message: str) -> None:
    for check in (lambda: parse(with_value("data", data), where="options"), lambda: parse_data(data)):
        with pytest.raises(UserError) as caught:
            check()
        assert str(caught.value).startswith("options: data must have ")
        assert message in str(caught.value)
        assert "{" not in str(caught.value)


def test_a_column_of_parts_is_the_split() -> None:
    data = parse_data({"split_column": "fold"})
    assert (data.split, parse_data(data.model_dump())) == ("standard", data)
