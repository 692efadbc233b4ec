"""``sgl-rec methods``."""

from __future__ import annotations

from typing import Any


def test_every_method_has_its_line(call: Any) -> None:
    result = call("methods")
    assert (result.code, result.err) == (0, "")
    rows = {line.split()[0]: line.split(maxsplit=1)[1] for line in result.out.splitlines()[1:]}
    assert rows.keys() >= {"lightgcn", "sgl-ed", "sgl-nd", "sgl-rw", "sgl-walk"}
    assert "LightGCN" in rows["lightgcn"]
    assert all(len(summary) > 10 for summary in rows.values())


def test_those_of_pretrain(call: Any) -> None:
    out = call("methods", "--pretrain").out
    for name in ("vision simclr", "text simcse", "image-text clip", "graph graphcl"):
        assert name in out
    assert "--dataset cannot be given with --pretrain" in call("methods", "--pretrain", "--dataset", "demo").fault


def test_of_a_data_set(call: Any) -> None:
    assert call("methods", "--dataset", "ml-1m").code == 0
