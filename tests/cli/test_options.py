"""The options all commands share: how much is said, and where."""

from __future__ import annotations

import logging
from typing import Any

import click
import pytest
import torch

from sgl_rec.cli.main import cli
from sgl_rec.cli.options import common, is_quiet, memory_budget, on_threads

log = logging.getLogger("sgl_rec")


@pytest.fixture(autouse=True)
def _talker(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    @memory_budget
    @common
    def talk(memory_budget: int) -> None:
        log.debug("a detail")
        log.info("a step")
        log.warning("a doubt")
        log.error("a fault")
        click.echo(f"{memory_budget} {is_quiet()}")

    monkeypatch.setitem(cli.commands, "talk", talk)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ([], ["a step", "Warning: a doubt", "Error: a fault"]),
        (["--quiet"], ["Error: a fault"]),
        (["--verbose"], ["a detail", "a step", "Warning: a doubt", "Error: a fault"]),
        (["--debug"], ["a detail", "a step", "Warning: a doubt", "Error: a fault"]),
    ],
)
def test_how_much_is_said_and_where(call: Any, option: list[str], said: list[str]) -> None:
    result = call("talk", *option)
    assert result.err.splitlines() == said
    assert result.out == f"512000000 {option == ['--quiet']}\n"
    assert call("talk", *option).err.splitlines() == said, "a second command says nothing twice"


def test_a_memory_budget_is_bytes(call: Any) -> None:
    assert call("talk", "--memory-budget", "2 GiB").out.startswith("2147483648 ")


@pytest.mark.parametrize("command", ["train", "evaluate", "recommend", "similar", "methods", "doctor"])
def test_every_command_has_them(command: str) -> None:
    names = {parameter.name for parameter in cli.commands[command].params}
    assert {"quiet", "verbose", "debug"} <= names


def test_a_command_keeps_to_its_threads(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    @on_threads
    @common
    def count() -> None:
        click.echo(torch.get_num_threads())

    monkeypatch.setitem(cli.commands, "count", count)
    torch.set_num_threads(2)
    assert call("count", "--threads", "1").out == "1\n"
    assert call("count", "--threads", "0").code == 2


@pytest.mark.parametrize("command", ["train", "evaluate", "recommend", "similar"])
def test_what_computes_takes_threads(command: str) -> None:
    assert "--threads" in {word for parameter in cli.commands[command].params for word in parameter.opts}


@pytest.mark.parametrize(
    "words",
    [
        ["train", "--device", ""],
        ["train", "--resume", ""],
        ["datasets", "describe", ""],
        ["methods", "--dataset", ""],
    ],
    ids=" ".join,
)
def test_an_empty_value_is_no_option_left_out(call: Any, words: list[str]) -> None:
    assert "must not be empty" in call(*words).fault
