"""``sgl-rec doctor``."""

from __future__ import annotations

from typing import Any

import pytest

from sgl_rec.pipeline import doctor
from sgl_rec.pipeline.doctor import Finding


def test_what_is_fine_exits_0(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "examine", lambda: [Finding("torch", "2.13"), Finding("PIL", "not installed")])
    result = call("doctor")
    assert (result.code, result.err) == (0, "")
    assert [line.split()[0] for line in result.out.splitlines()] == ["what", "torch", "PIL"]


def test_what_is_broken_exits_1_and_is_named(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    findings = [Finding("torch", "2.13"), Finding("disk", "full", fine=False)]
    monkeypatch.setattr(doctor, "examine", lambda: findings)
    result = call("doctor")
    assert (result.code, result.err) == (1, "broken: disk\n")
    assert "full" in result.out
