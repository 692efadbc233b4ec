"""Parts of a module that is not packaged: asked for by name, never imported because a run folder says so."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sgl_rec import registry
from sgl_rec.errors import UserError
from sgl_rec.pipeline import plugins as module
from sgl_rec.pipeline.plugins import load_plugin, loaded_plugins
from sgl_rec.pipeline.pretrain.embed import embed
from sgl_rec.pipeline.pretrain.pretrain import pretrain
from sgl_rec.pipeline.pretrain.probe import probe
from sgl_rec.registry import Registry

PLUGINS = Path(__file__).parents[1] / "plugins"


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch, restored_state: None) -> Iterator[None]:
    """No plug-in before the test, and none after it."""
    before = set(sys.modules)
    monkeypatch.setattr(module, "_LOADED", {})
    monkeypatch.setattr(registry, "_ADDED", {})
    yield
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "PARTS", None) is not None:
            del sys.modules[name]


@pytest.fixture
def series(tmp_path: Path) -> tuple[Path, Path]:
    """Waves of four shapes, each at a phase of its own; two files."""
    draw, time = np.random.default_rng(0), np.arange(64) / 64
    files = []
    for name in ("known", "new"):
        label = np.arange(120) % 4
        place = (time[None] * 4 + draw.random((120, 1))) % 1
        shapes = np.stack(
            [np.sin(2 * np.pi * place), 2 * place - 1, np.sign(place - 0.5), 4 * np.abs(place - 0.5) - 1]
        )
        rows = shapes[label, np.arange(120)] + 0.3 * draw.standard_normal((120, 64))
        files.append(tmp_path / f"{name}.npz")
        np.savez(files[-1], series=rows, label=label)
    return files[0], files[1]


def test_a_modality_of_sixty_lines_beats_raw_samples(series: tuple[Path, Path], tmp_path: Path) -> None:
    assert len((PLUGINS / "waves.py").read_text().splitlines()) <= 60
    load_plugin(str(PLUGINS / "waves.py"))
    method = PLUGINS / "waves.toml"
    folder = pretrain("waves", series[0], method=str(method), out=tmp_path / "run", threads=1)
    assert folder.config.plugins == ("waves",)
    found = probe(folder.path, series[1], train=series[0], probes=["knn"])["knn"]
    accuracy = {column: figures["accuracy"] for column, figures in found.items()}
    assert accuracy["trained"] > accuracy["raw"] + 0.2, accuracy
    assert accuracy["trained"] > accuracy["before"], accuracy


def test_a_run_never_says_what_is_imported(series: tuple[Path, Path], tmp_path: Path) -> None:
    load_plugin(str(PLUGINS / "waves.py"))
    short: dict[str, Any] = {"training": {"max_epochs": 1}}
    method = str(PLUGINS / "waves.toml")
    run = pretrain("waves", series[0], method=method, out=tmp_path / "run", settings=short, threads=1).path
    module._LOADED.clear()
    registry._ADDED.clear()
    shutil.copy(PLUGINS / "waves.py", run.parent / "waves.py")
    shutil.copy(PLUGINS / "waves.py", run / "waves.py")
    with pytest.raises(
        UserError, match="plug-ins must be loaded, waves among them, got not that one; say --plugin"
    ):
        embed(run, series[1])
    words = [sys.executable, "-m", "sgl_rec", "embed", run, series[1], "--output", tmp_path / "v.npy"]
    without = subprocess.run(words, capture_output=True, text=True, check=False, cwd=run)
    assert (without.returncode, "say --plugin waves" in without.stderr) == (2, True)
    given = subprocess.run(
        [*words, "--plugin", str(PLUGINS / "waves.py")], capture_output=True, text=True, check=False
    )
    assert given.returncode == 0, given.stderr
    assert np.load(tmp_path / "v.npy").shape == (120, 16)


def test_twice_is_once() -> None:
    load_plugin(str(PLUGINS / "waves.py"))
    load_plugin(str(PLUGINS / "waves.py"))
    assert loaded_plugins() == ("waves",)
    assert "conv" in Registry("encoder", {}, "waves.encoders")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "PARTS must be a table {group: {name: attribute}}, got none"),
        ("PARTS = 3", "PARTS must be a table {group: {name: attribute}}, got 3"),
        ("PARTS = {'g': {'a': 'b'}}", "PARTS['g'] must be names of its attributes, got b"),
        ("PARTS = {'g': {'a': 3}}", "PARTS['g'] must be names of its attributes, got 3"),
        ("1 / 0", "the module must be importable, got ZeroDivisionError: division by zero; check its name"),
        ("import sys; sys.exit(0)", "the module must be importable, got SystemExit: 0"),
        ("import no_such_thing", "the module must be importable, got ModuleNotFoundError"),
    ],
)
def test_one_line_for_what_is_no_plugin(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "some_plugin.py"
    path.write_text(text)
    with pytest.raises(UserError) as raised:
        load_plugin(str(path))
    assert message in str(raised.value)
    assert loaded_plugins() == ()
    sys.modules.pop("some_plugin", None)


def test_a_file_that_hides_a_module_or_is_absent(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("PARTS = {}")
    with pytest.raises(UserError, match="must be called like no module that is in use, got json"):
        load_plugin(str(tmp_path / "json.py"))
    for name in (str(tmp_path / "absent.py"), "absent_module"):
        with pytest.raises(UserError, match="the module must be importable"):
            load_plugin(name)


def test_a_method_of_a_plugin_is_asked_for_and_a_view_that_fails_is_named(
    series: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_plugin(str(PLUGINS / "waves.py"))
    with pytest.raises(UserError, match=r"--method: it must be given for waves, got none; name a \.toml file"):
        pretrain("waves", series[0], out=tmp_path / "run")

    def fails(rows: Any, *, generator: Any) -> Any:
        raise IndexError("no such row")

    monkeypatch.setattr(sys.modules["waves"], "shift", fails)
    with pytest.raises(
        UserError, match="view 'shift' must be able to take these samples, got IndexError: no such row"
    ):
        pretrain("waves", series[0], method=str(PLUGINS / "waves.toml"), out=tmp_path / "run", threads=1)
    assert not (tmp_path / "run").exists()
