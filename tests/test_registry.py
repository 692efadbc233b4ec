"""Parts by name: built in, and of somebody else's package."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from sgl_rec import registry
from sgl_rec.errors import UserError
from sgl_rec.registry import Registry

TABLE = {"sqrt": "math:sqrt", "absent": "no_such_module:part"}


def offer(monkeypatch: pytest.MonkeyPatch, *points: EntryPoint) -> None:
    monkeypatch.setattr(
        registry, "entry_points", lambda *, group: [point for point in points if point.group == group]
    )


def test_a_part_is_imported_when_it_is_asked_for() -> None:
    table = Registry("tool", TABLE)  # its second part cannot be imported, which nobody notices
    assert table["sqrt"](9.0) == 3.0
    assert table.names() == ["sqrt", "absent"]
    assert "sqrt" in table
    assert "cbrt" not in table


def test_an_unknown_name_names_the_nearest() -> None:
    with pytest.raises(UserError, match="tool: name must be a known tool, got 'sqr'; did you mean 'sqrt'"):
        Registry("tool", TABLE)["sqr"]


def test_other_packages_add_to_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, EntryPoint("cos", "math:cos", "g.tools"), EntryPoint("sin", "math:sin", "g.others"))
    table = Registry("tool", TABLE, group="g.tools")
    assert table["cos"](0.0) == 1.0
    assert "sin" not in table


def test_a_name_that_is_taken_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, EntryPoint("sqrt", "cmath:sqrt", "g.tools"))
    with pytest.raises(UserError, match="'sqrt' of cmath:sqrt is already taken by math:sqrt"):
        Registry("tool", TABLE, group="g.tools").names()


def test_a_part_that_cannot_be_imported_is_named() -> None:
    with pytest.raises(
        UserError, match="tool 'absent': no_such_module:part must be importable, got ModuleNotFound"
    ):
        Registry("tool", TABLE)["absent"]


def test_parts_that_are_added_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_ADDED", {})
    table = Registry("tool", TABLE, group="g.tools")
    assert "cos" not in table
    registry.add_parts("g.tools", {"cos": "math:cos"})
    assert table["cos"](0.0) == 1.0
    registry.add_parts("g.tools", {"sqrt": "cmath:sqrt"})
    with pytest.raises(UserError, match="'sqrt' of cmath:sqrt is already taken by math:sqrt; rename it"):
        table.names()
