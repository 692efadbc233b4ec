"""What ``--method`` knows."""

from __future__ import annotations

from sgl_rec.config import method_file
from sgl_rec.pipeline.methods import describe_methods


def test_each_says_what_it_is_and_where_it_stands() -> None:
    found = {method.name: method for method in describe_methods()}
    assert list(found) == sorted(found)
    assert found.keys() >= {"lightgcn", "sgl-ed", "sgl-nd", "sgl-rw", "sgl-walk"}
    assert all(method.summary for method in found.values())


def test_a_data_sets_own_file_goes_before() -> None:
    for method in describe_methods("ml-1m"):
        assert method.file == method_file(method.name, dataset="ml-1m")
