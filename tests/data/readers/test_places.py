from __future__ import annotations

from sgl_rec.data.readers.places import Place


def test_the_message_names_file_row_column_and_value() -> None:
    error = Place("shop.csv", "user_id", lambda row: f"line {row + 2}").error(3, "x" * 99, "a number", "mend it")
    assert str(error) == f"shop.csv, line 5: user_id must be a number, got '{'x' * 60}'; mend it"
    assert "row 4" in str(Place("shop", "user_id").error(3, 1, "a number"))
