"""The rooms and their directions, held by reading every file of the package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import sgl_rec

PACKAGE = Path(sgl_rec.__file__).parent
TESTS = Path(__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
BASE = {"types", "rng", "errors", "extras", "files", "registry", "ranking"}
CONFIGS = {"config", "pretrain_config", "ranges", "settings"}
ROOMS = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
UPPER = {"pipeline", "cli"}
LINES = 400
NEVER = {"pickle", "cPickle", "dill", "joblib", "marshal", "shelve", "cloudpickle"}
LAZY = {
    "numba",
    "llvmlite",
    "triton",
    "torch_scatter",
    "PIL",
    "torch_geometric",
    "implicit",
    "matplotlib",
    "huggingface_hub",
    "optuna",
    "sklearn",
    "kornia",
    "transformers",
    "tokenizers",
    "sentence_transformers",
}
COMPILERS = {"_cpu": {"numba", "llvmlite"}, "_cuda": {"triton"}, "/jit": {"numba"}, "triton_jit": {"triton"}}
"""What a file of the kernels with such an ending may import, because it is itself imported when it is chosen."""
RUNS_CODE = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "torch.load",
    "torch.save",
    "np.load",
    "numpy.load",
    "pd.read_pickle",
}
GLOBAL_DRAWS = ("np.random.", "numpy.random.", "random.", "torch.random.")
TORCH_GLOBAL = {"torch.manual_seed", "torch.seed", "torch.cuda.manual_seed", "torch.cuda.manual_seed_all"}
OWN_GENERATOR = {"np.random.Generator", "np.random.default_rng", "np.random.PCG64"}


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def room_of(path: Path) -> str:
    """The room a file stands in, or the stem of a base file."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported, at whatever depth; ``from sgl_rec import x`` counts as ``sgl_rec.x``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def at_import_time(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements that run when the module is imported: no function bodies, no TYPE_CHECKING."""
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            waiting += node.orelse
            continue
        yield node
        for field in ("body", "orelse", "finalbody"):
            waiting += getattr(node, field, [])
        for handler in getattr(node, "handlers", []):
            waiting += handler.body


def imported_rooms(tree: ast.AST) -> set[str]:
    own = [name.split(".") for name in imports(tree) if name.split(".")[0] == "sgl_rec"]
    return {parts[1] for parts in own if len(parts) > 1}


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def allowed_rooms(path: Path) -> set[str]:
    room = room_of(path)
    package = {"__version__"}
    if room == "cli":
        return {"cli", "pipeline", *CONFIGS, *BASE, *package}
    if room == "pipeline":
        return (ROOMS - {"cli"}) | CONFIGS | BASE | package
    if room in ROOMS:
        views = {"graph"} if room == "views" else set()
        return {room, "kernels", *BASE, *package, *views}
    return {
        "config": {"errors", "files", "ranges", "registry"},
        "pretrain_config": {"config", "errors", "files"},
        "settings": {"errors", "ranges"},
        "ranking": {"kernels", "types", "errors"},
        "types": {"errors"},
        "__init__": {"pipeline"},  # by name alone, on first use
        "__main__": {"cli"},
    }.get(room, {"errors"})


def test_the_picture_is_of_this_package() -> None:
    assert {
        "data",
        "graph",
        "views",
        "encoders",
        "losses",
        "training",
        "evaluation",
        "export",
        "kernels",
    } <= ROOMS
    assert {path.stem for path in PACKAGE.glob("*.py")} == {
        *BASE,
        "config",
        "pretrain_config",
        "ranges",
        "settings",
        "__init__",
        "__main__",
    }


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_room_imports_only_what_it_may(path: Path) -> None:
    assert imported_rooms(tree_of(path)) <= allowed_rooms(path)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_what_is_optional_or_slow_is_imported_where_it_is_used(path: Path) -> None:
    names = {name for node in at_import_time(tree_of(path)) for name in shallow_imports(node)}
    roots = {name.split(".")[0] for name in names}
    endings = {ending for ending in COMPILERS if f"/{name_of(path)[:-3]}".endswith(ending)}
    assert not roots & LAZY - {root for ending in endings for root in COMPILERS[ending]}
    if not endings:
        modules = {
            f"/{name.rpartition('.')[0].replace('.', '/')}" for name in names if name.startswith("sgl_rec")
        }
        assert not {name for name in modules if name.endswith(tuple(COMPILERS))}
    if room_of(path) in {"cli", "__init__", "__main__", "errors"} and path.name != "progress.py":
        assert not roots & {"torch", "numpy", "pandas", "pyarrow", "rich", "pydantic"}


def shallow_imports(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from imports(node)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_nothing_can_execute_what_it_reads(path: Path) -> None:
    tree = tree_of(path)
    assert not {name.split(".")[0] for name in imports(tree)} & NEVER
    for name, call in calls(tree):
        if name in ("np.load", "numpy.load"):
            allowed = [word.value for word in call.keywords if word.arg == "allow_pickle"]
            assert [ast.unparse(value) for value in allowed] == ["False"], "allow_pickle=False, in so many words"
        elif name == "torch.load":
            allowed = [word.value for word in call.keywords if word.arg == "weights_only"]
            assert [ast.unparse(value) for value in allowed] == ["True"], "weights_only=True, in so many words"
        else:
            assert name not in RUNS_CODE, f"line {call.lineno}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_only_the_command_line_prints(path: Path) -> None:
    if room_of(path) == "cli":
        return
    for name, call in calls(tree_of(path)):
        assert name not in ("print", "sys.stdout.write", "sys.stderr.write", "click.echo"), f"line {call.lineno}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_nobody_touches_a_global_generator(path: Path) -> None:
    if path.name == "rng.py":
        return
    for name, call in calls(tree_of(path)):
        is_global = name.startswith(GLOBAL_DRAWS) and name not in OWN_GENERATOR
        assert not is_global, f"line {call.lineno}: {name}"
        assert name not in TORCH_GLOBAL, f"line {call.lineno}: {name}"
        if name in (
            "torch.rand",
            "torch.randn",
            "torch.randint",
            "torch.randperm",
            "torch.bernoulli",
            "torch.multinomial",
        ):
            assert "generator" in {word.arg for word in call.keywords}, f"line {call.lineno}: {name}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_is_short_and_begins_alike(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LINES
    if text:
        assert ast.get_docstring(tree_of(path)), "a file says what it is"
        assert "from __future__ import annotations" in text or path.name == "__init__.py"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_function_takes_anything_at_all(path: Path) -> None:
    """No ``**kwargs``; the command line's decorator, which hands click's values on, is the one exception."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef) and room_of(path) != "cli":
            assert node.args.kwarg is None, f"line {node.lineno}: {node.name}"


@pytest.mark.parametrize("path", [path for path in FILES if not path.name.startswith("_")], ids=name_of)
def test_every_module_has_its_mirrored_tests(path: Path) -> None:
    mirror = TESTS / path.relative_to(PACKAGE).with_name(f"test_{path.name}")
    assert mirror.is_file(), f"{mirror.relative_to(TESTS.parent)} is absent"


@pytest.mark.parametrize("path", sorted((TESTS / "reference").glob("*.py")), ids=lambda path: path.name)
def test_the_reference_loops_know_nothing_of_the_package(path: Path) -> None:
    assert "sgl_rec" not in {name.split(".")[0] for name in imports(tree_of(path))}


def test_the_readme_names_every_file() -> None:
    text = (PACKAGE.parent / "README.md").read_text(encoding="utf-8")
    tree = text[text.index("sgl_rec/\n") : text.index("A method is a config")]
    plain = {path.stem for path in FILES if path.stem not in ("__init__", "__main__")}
    assert not [stem for stem in sorted(plain) if f"{stem}.py" not in tree and f" {stem}" not in tree]
