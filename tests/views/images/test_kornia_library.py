"""The library is optional."""

from __future__ import annotations

import sys

import pytest

from sgl_rec.errors import MissingDependencyError
from sgl_rec.views.images.kornia_library import library


def test_without_it_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kornia.filters", None)
    with pytest.raises(MissingDependencyError, match=r"blur: .* run: pip install 'sgl-rec\[vision\]'"):
        library("blur", "filters")
