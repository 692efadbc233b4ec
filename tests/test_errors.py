"""The one form of a message."""

from __future__ import annotations

import time

from sgl_rec.errors import MissingDependencyError, UserError, must_be, nearest, one_line


def test_a_fault_of_the_callers_is_a_value_error() -> None:
    assert issubclass(UserError, ValueError)
    assert issubclass(MissingDependencyError, UserError)
    assert issubclass(MissingDependencyError, ImportError)


def test_message_without_and_with_advice() -> None:
    assert str(must_be("here", "k", "at least 1", 0)) == "here: k must be at least 1, got 0"
    assert str(must_be("here", "k", "at least 1", 0, "raise it")) == "here: k must be at least 1, got 0; raise it"


def test_nearest_names_one_word_or_all() -> None:
    assert nearest("lerning_rate", ["learning_rate", "seed"]) == "did you mean 'learning_rate'?"
    assert nearest("zzzz", ["b", "a"]) == "known: a, b"


def test_other_programs_errors_become_one_line() -> None:
    assert one_line(OSError("a\n  b\n")) == "a b"
    assert one_line(KeyError("x")) == "'x'"


def test_nearest_is_found_in_a_moment_for_a_word_of_any_length() -> None:
    begun = time.perf_counter()
    assert nearest("x" * 10**6, ["embedding_dim"]) == "known: embedding_dim"
    assert time.perf_counter() - begun < 1
