"""What the commands that train share."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from sgl_rec.cli.running import advice, progress, refuse_with_resume
from sgl_rec.training.interrupt import Interrupted


@pytest.mark.parametrize(("words", "said"), [((), ""), (("--set", "3"), "--set cannot be given with --resume")])
def test_what_does_not_go_with_resume(words: tuple[str, ...], said: str) -> None:
    @click.command()
    @click.option("--set", "settings", default=3)
    def command(settings: int) -> None:
        refuse_with_resume(("settings",), called={"settings": "set"})

    result = CliRunner().invoke(command, words)
    assert result.exit_code == (2 if said else 0)
    assert said in result.output


@pytest.mark.parametrize(
    ("error", "state"),
    [(Interrupted("x"), "the state is saved"), (KeyboardInterrupt(), "the last checkpoint stands")],
)
def test_what_to_do_after_an_interrupt(error: KeyboardInterrupt, state: str) -> None:
    with pytest.raises(KeyboardInterrupt, match=f"^Interrupted; {state}. Go on with: again$"), advice("again"):
        raise error


def test_no_bar_where_nobody_looks() -> None:
    with progress("ndcg@20") as observer:
        assert observer is None
