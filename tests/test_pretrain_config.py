"""The config of self-supervision: strict, whole on disk, one line for each fault."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from sgl_rec.errors import UserError
from sgl_rec.pretrain_config import dump_pretrain, parse_pretrain, pretrain_method_file, pretrain_methods
from sgl_rec.settings import read_toml

MODALITIES = ("vision", "text", "image-text", "graph")
FILES = [(modality, path) for modality in MODALITIES for path in pretrain_methods(modality).values()]


def values(path: Path) -> dict[str, Any]:
    given = read_toml(path)
    return {**given, "data": {**given.get("data", {}), "source": "here"}}


@pytest.mark.parametrize(("modality", "path"), FILES, ids=lambda value: getattr(value, "stem", value))
def test_every_method_is_whole_and_comes_back(modality: str, path: Path) -> None:
    config = parse_pretrain(values(path), where="here")
    assert (config.modality, config.data.source) == (modality, "here")
    assert config.summary
    assert parse_pretrain(tomllib.loads(dump_pretrain(config)), where="there") == config


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 3}, "f: 'epochs' must be a known key; "),
        (
            {"training": {"max_epoch": 3}},
            "f: 'training.max_epoch' must be a known key; did you mean 'max_epochs'?",
        ),
        ({"momentum": {"momentun": 0.9}}, "must be a known key; did you mean 'momentum'?"),
        (
            {"training": {"batch_size": 1}},
            "f: training.batch_size input should be greater than or equal to 2, got 1; ",
        ),
        ({"second_head": {"name": "mlp"}}, "f: second_head must stand with second_encoder, got it alone; add "),
        ({"loss": {}}, "f: loss must hold a term"),
        ({"data": {}}, "f: data.source must be given, got none; add this key"),
        ({"views": "blur"}, "f: views "),
    ],
)
def test_one_line_for_a_wrong_key(change: dict[str, Any], message: str) -> None:
    given = values(pretrain_methods("vision")["simclr"])
    with pytest.raises(UserError, match=re.escape(message)):
        parse_pretrain({**given, **change}, where="f")


def test_a_method_is_a_shipped_name_or_a_file(tmp_path: Path) -> None:
    assert pretrain_method_file("simclr", modality="vision").name == "simclr.toml"
    own = tmp_path / "mine.toml"
    own.write_text("")
    assert pretrain_method_file(str(own), modality="vision") == own
    with pytest.raises(UserError, match=r"--method: name must be a known method of vision .*'simclr'"):
        pretrain_method_file("simclt", modality="vision")
    with pytest.raises(UserError, match=r"--method: nowhere\.toml must be a method's file, got none"):
        pretrain_method_file("nowhere.toml", modality="vision")
