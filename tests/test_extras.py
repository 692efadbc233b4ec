"""Every library that is not always there is asked for by the extra that pyproject.toml has it in."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

from sgl_rec.errors import MissingDependencyError
from sgl_rec.extras import EXTRAS, needed

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"


@pytest.mark.parametrize("package", sorted(EXTRAS))
def test_without_it_the_message_says_what_to_install(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = EXTRAS[package]
    monkeypatch.setitem(sys.modules, package, None)
    said = f"here: this needs {extra.library}; run: pip install 'sgl-rec[{extra.name}]'"
    with pytest.raises(MissingDependencyError, match=f"^{re.escape(said)}$"):
        needed("here", f"{package}.some.module")


def test_one_of_several_extras_that_bring_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'sgl-rec\[text\]'$"):
        needed("here", "transformers", extra="text")


@pytest.mark.parametrize("extra", sorted({*EXTRAS.values(), ("transformers", "text")}))
def test_its_extra_brings_it(extra: tuple[str, str]) -> None:
    library, name = extra
    brought = tomllib.loads(PYPROJECT.read_text())["project"]["optional-dependencies"][name]
    assert any(re.match(rf"{library}\b", line, re.IGNORECASE) for line in brought)
