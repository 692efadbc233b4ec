"""Where a value stands, for messages; and what a reader's column may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import pandas as pd
import pyarrow as pa

from sgl_rec.errors import UserError, must_be

Column: TypeAlias = "pd.Series[Any] | pa.ChunkedArray"


def row_number(row: int) -> str:
    """The place of a row (from 0) in data without lines."""
    return f"row {row + 1}"


@dataclass(frozen=True)
class Place:
    """A column of a file."""

    where: str
    name: str
    line: Callable[[int], str] = row_number

    def error(self, row: int, got: object, rule: str, advice: str = "") -> UserError:
        """The message about the value ``got`` in ``row`` (from 0)."""
        return must_be(f"{self.where}, {self.line(row)}", self.name, rule, repr(str(got)[:60]), advice)
