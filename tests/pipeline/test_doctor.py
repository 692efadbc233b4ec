"""What an installation has, and whether it works."""

from __future__ import annotations

import shutil
from typing import NamedTuple

import pytest

from sgl_rec.pipeline import doctor
from sgl_rec.pipeline.doctor import examine


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture(autouse=True)
def _disk(monkeypatch: pytest.MonkeyPatch, restored_state: None) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 0, 10**12))


def test_here_nothing_that_is_needed_is_broken() -> None:
    findings = {finding.subject: finding for finding in examine()}
    assert [finding.subject for finding in findings.values() if not finding.fine] == []
    expected = {"sgl-rec", "python", "torch", "device", "backends", "kernels", "methods", "data ml-1m", "disk"}
    assert findings.keys() >= expected
    assert findings["kernels"].state == "work"


def test_what_is_missing_or_broken_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("no such kernel")

    monkeypatch.setattr(doctor, "NEEDED", ("no_such_module",))
    monkeypatch.setattr(doctor, "OPTIONAL", ("no_such_option",))
    monkeypatch.setattr(doctor, "_train_a_step", fail)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 10**12, 10**6))
    findings = {finding.subject: finding for finding in examine()}
    broken = {subject for subject, finding in findings.items() if not finding.fine}
    assert broken == {"no_such_module", "kernels", "disk"}
    assert findings["kernels"].state == "broken: RuntimeError: no such kernel"
    assert findings["no_such_option"].state == "not installed (optional)"
