"""The house: which room may know which, what an import loads, how long functions are, what is documented and typed."""

from __future__ import annotations

import ast
import functools
import graphlib
import importlib
import inspect
import itertools
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tables import each

import autograd_mini
from autograd_mini import Node, Tensor, Value
from autograd_mini.hints import HINTS
from autograd_mini.op import TABLE, Binary

ROOT = Path(autograd_mini.__file__).parent.parent
MAY_IMPORT = {"autograd_mini": set[str](), "nn": {"autograd_mini"}, "viz": {"autograd_mini"}}
LOADS = {  # what is in memory after an import, beyond the standard library and what numpy itself brings
    "autograd_mini": {"autograd_mini"},
    "nn": {"autograd_mini", "nn"},
    "viz": {"autograd_mini", "viz", "graphviz"},
}
LATER = {"transforms", "nonfinite", "linalg", "numpy_protocol", "checking", "programs", "text", "bridges"}  # if asked
WAYS_BACK: dict[tuple[str, str], str] = {}  # against the arrows, each with its reason
# `autograd_mini.neighbours` leads to nn and viz by names that it is asked for; it names no module of theirs, and loads
# none until someone asks. What `autograd_mini.nn` is to a type checker stands in nn.pyi and viz.pyi.
LONG = {  # functions of more than 30 lines, each with its reason
    "autograd_mini.fast._descend": "it is the inner loop, where a call costs as much as what it computes",
    "autograd_mini.fast.two": "two methods that fill a node in, each without a call",
    "nn.train.fit": "its settings stand one on a line, which are 20 lines",
}
UNDOCUMENTED = {  # rooms whose functions need no docstring, each with its reason
    "autograd_mini.kernels": "each computes the row of its name",
    "autograd_mini.signatures": "nothing of it exists at run time",
}

packages = pytest.mark.parametrize("package", MAY_IMPORT)


parsed = functools.cache(ast.parse)


def tree_of(file: Path) -> ast.Module:
    return parsed(file.read_text(encoding="utf-8"))


@functools.cache
def files(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    assert found, f"no source of {package} in {ROOT}"
    return found


def name_of(file: Path, root: Path = ROOT) -> str:
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


# Imports ------------------------------------------------------------------------------------------------------------


def imported(tree: ast.AST, module: str, is_package: bool) -> Iterator[str]:
    """Yield the dotted name of everything that the code imports, in functions and by importlib too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            home = module.split(".")[: None if is_package and node.level == 1 else -1 - (node.level - 1 - is_package)]
            base = ".".join([*(home if node.level else []), *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in (
            "import_module",
            "importlib.import_module",
            "__import__",
        ):
            yield from (arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str))


def knows(file: Path, root: Path = ROOT) -> set[str]:
    return set(imported(tree_of(file), name_of(file, root), file.name == "__init__.py"))


def module_graph(package: str, root: Path = ROOT) -> dict[str, set[str]]:
    """Return which modules of a package each of them imports, late and for types too; the package itself is a door."""
    found = sorted((root / package).rglob("*.py"))
    modules = {name_of(file, root) for file in found}
    graph: dict[str, set[str]] = {}
    for file in found:
        names = knows(file, root)
        targets = {name if name in modules else name.rpartition(".")[0] for name in names}
        graph[name_of(file, root)] = (targets & modules) - {package, name_of(file, root)}
    return graph


@packages
def test_arrows_run_one_way(package: str) -> None:
    known = {(name_of(file), name.partition(".")[0]) for file in files(package) for name in knows(file)}
    backwards = set(MAY_IMPORT) - MAY_IMPORT[package] - {package}
    assert {way for way in known if way[1] in backwards} == {way for way in WAYS_BACK if way[0].startswith(package)}


@packages
def test_no_module_imports_itself_in_a_circle(package: str) -> None:
    graphlib.TopologicalSorter(module_graph(package)).prepare()


def room_of(module: str, package: str) -> str:
    """Return the folder that a module is in."""
    folders = {name_of(file) for file in files(package) if file.name == "__init__.py"}
    return module if module in folders else module.rpartition(".")[0]


@packages
def test_arrows_between_rooms_run_one_way(package: str) -> None:
    rooms: dict[str, set[str]] = {}
    for module, known in module_graph(package).items():
        if module != package:  # the door, which leads into every room
            rooms.setdefault(room_of(module, package), set()).update(room_of(other, package) for other in known)
    graphlib.TopologicalSorter({room: known - {room} for room, known in rooms.items()}).prepare()


@packages
def test_a_package_knows_its_own_files_by_relative_names(package: str) -> None:
    """Read as autograd_mini.nn, it would load a second nn, or a learner's, if it asked for nn."""
    absolute = {
        name_of(file)
        for file in files(package)
        for node in ast.walk(tree_of(file))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
        if name.partition(".")[0] == package
    }
    assert absolute == set()


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("from .b import y", "from . import a"),
        ("import p.b", "from p.a import x"),
        ("if True:\n    from p import b", "class C:\n    from .a import x"),
    ],
)
def test_a_circle_would_be_found(a: str, b: str, tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    for name, source in (("a", a), ("b", b), ("__init__", "from .a import x")):
        (folder / f"{name}.py").write_text(source)
    with pytest.raises(graphlib.CycleError):
        graphlib.TopologicalSorter(module_graph("p", tmp_path)).prepare()
    for hidden in ("def later():\n    {}", "if TYPE_CHECKING:\n    {}"):
        (folder / "b.py").write_text(hidden.format(b.splitlines()[-1].strip()))
        with pytest.raises(graphlib.CycleError):
            graphlib.TopologicalSorter(module_graph("p", tmp_path)).prepare()
    (folder / "b.py").write_text("import p")
    graphlib.TopologicalSorter(module_graph("p", tmp_path)).prepare()


@pytest.mark.parametrize(
    "source", ["import viz", "def f():\n    from viz.graph.dot import x", "importlib.import_module('viz.graph.dot')"]
)
def test_a_wrong_arrow_would_be_found(source: str, tmp_path: Path) -> None:
    (tmp_path / "nn.py").write_text(source)
    assert "viz" in {name.partition(".")[0] for name in knows(tmp_path / "nn.py", tmp_path)}


CORE = ("node", "op", "ops", "sweep", "transforms", "fast")


def test_the_core_knows_no_reader_not_even_by_type_or_later() -> None:
    """What a student reads, and all that it needs, can be read without what prints, explains and compiles."""
    modules = {name_of(file): file for file in files("autograd_mini")}
    found = [f"autograd_mini.{name}" for name in CORE]
    for name in found:
        targets = {t if t in modules else t.rpartition(".")[0] for t in knows(modules[name])}
        found += sorted((targets & set(modules)) - set(found) - {"autograd_mini"})
    assert not [name for name in found if name.startswith(("autograd_mini.programs", "autograd_mini.text"))]


LOADED = """
import sys, numpy, {before}
before = set(sys.modules)
import {package}
print(*sorted(name for name in set(sys.modules) - before))
"""


@packages
def test_an_import_loads_nothing_heavy(package: str) -> None:
    before = "numpy.typing" if package == "autograd_mini" else "numpy.typing, numpy.random"
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", LOADED.format(package=package, before=before)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    loaded = run.stdout.split()
    assert {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names <= LOADS[package]
    assert not {"asyncio", "importlib.metadata"} & set(loaded), "parts of Python that take as long as the engine"
    assert not [name for name in loaded if name.startswith("numpy.")], "parts of numpy that numpy itself does not load"
    if package == "autograd_mini":
        assert not LATER & {part for name in loaded for part in name.split(".")[1:]}


# Files and functions ------------------------------------------------------------------------------------------------


@packages
def test_the_first_line_of_each_file_says_what_it_is(package: str) -> None:
    for file in files(package):
        lines = (ast.get_docstring(tree_of(file)) or "").split("\n")
        assert lines[0].endswith((".", ":")), name_of(file)


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function, without its docstring and decorators."""
    first = function.body[0]
    documented = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


@packages
def test_no_function_has_more_than_30_lines_without_a_reason(package: str) -> None:
    long = {
        f"{name_of(file)}.{node.name}"
        for file in files(package)
        for node in ast.walk(tree_of(file))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and length(node) > 30
    }
    assert long == {name for name in LONG if name.partition(".")[0] == package}


def test_lengths_are_counted_without_docstrings() -> None:
    (function,) = ast.parse('@wrap\ndef f(\n    x,\n):\n    """Two\n    lines."""\n    y = x\n\n    return y').body
    assert isinstance(function, ast.FunctionDef)
    assert length(function) == 6


# What a type checker is told ----------------------------------------------------------------------------------------

UNTYPED = {  # set on nodes at run time, and left out of signatures.py on purpose
    "__setitem__": "always refused, so a type checker refuses it too",
    "__array__": "numpy's protocol, always refused",
    "__array_priority__": "numpy's protocol",
    "__pandas_priority__": "pandas' protocol",
    "__array_ufunc__": "numpy's protocol",
    "__array_function__": "numpy's protocol",
    "_repr_mimebundle_": "IPython's protocol",
    "__dir__": "what a prompt completes",
}


MADE_BY_PYTHON = {"__module__", "__doc__", "__slots__", "__annotations__", "__annotations_cache__", "__annotate_func__"}
MADE_BY_PYTHON |= {"__hash__", "__annotate__", "__firstlineno__", "__static_attributes__", "__classdictcell__"}


def class_bodies(module: str) -> dict[str, dict[str, Any]]:
    tree = ast.parse((ROOT / "autograd_mini" / module).read_text(encoding="utf-8"))
    return {
        c.name: {f.name: f for f in c.body if isinstance(f, ast.FunctionDef)}
        for c in tree.body
        if isinstance(c, ast.ClassDef)
    }


def operators() -> set[str]:
    tree = ast.parse((ROOT / "autograd_mini" / "signatures.py").read_text(encoding="utf-8"))
    return {x.target.id for x in ast.walk(tree) if isinstance(x, ast.AnnAssign) and isinstance(x.target, ast.Name)}


def test_signatures_name_what_the_classes_have_and_nothing_else() -> None:
    declared = set(class_bodies("signatures.py")["Surface"]) | operators()
    written = {name for body in class_bodies("node.py").values() for name in body}

    given = set(vars(Node)) | set(vars(Value)) | set(vars(Tensor))
    slots = {name for kind in (Node, Value, Tensor) for name in kind.__slots__}
    added = given - written - slots - MADE_BY_PYTHON - set(HINTS)
    assert declared - written == added - set(UNTYPED)
    assert set(UNTYPED) <= added
    assert all(hasattr(Value, name) and hasattr(Tensor, name) for name in declared)


def test_looks_at_a_nodes_attributes_take_the_short_way() -> None:
    """With either of these in a class CPython caches no look at any attribute, and scalars take half as long again."""
    for kind in (Node, Value, Tensor):
        assert not {"__getattr__", "__getattribute__", "__setattr__", "__dict__"} & set(vars(kind)), kind


def test_names_of_other_libraries_are_neither_listed_nor_there() -> None:
    for node in (Value(1.0), Tensor([1.0])):
        assert not {*HINTS, "_mask"} & {name for name, _ in inspect.getmembers(node)}
        for name, remedy in HINTS.items():
            with pytest.raises(AttributeError, match=re.escape(f"no attribute {name!r}: write {remedy}")):
                getattr(node, name)
            with pytest.raises(AttributeError, match=re.escape(f"write {remedy}")):
                setattr(node, name, True)


def test_signatures_of_rows_are_what_the_command_writes_from_the_table() -> None:
    command = ROOT / "docs" / "write_signatures.py"
    if not command.exists():
        pytest.skip("the command is not installed")
    names = runpy.run_path(str(command))
    text = names["FILE"].read_text(encoding="utf-8")
    assert names["written"](text) == text
    assert names["written"](text.replace("    def tanh(self) -> Self: ...\n", "")) == text


def test_signatures_have_the_parameters_of_the_rows() -> None:
    checked = 0
    for name, function in class_bodies("signatures.py")["Surface"].items():
        row = TABLE.get(name)
        if row is not None and not isinstance(row, Binary) and not function.args.vararg and name != "round":  # numpy's
            defaults = dict(zip([a.arg for a in function.args.args[::-1]], function.args.defaults[::-1]))
            assert [a.arg for a in function.args.args[1:]] == list(row.params[1:]), name
            for param, default in defaults.items():
                assert ast.unparse(default) in (repr(row.defaults[param]), "..."), f"{name}({param})"
            checked += 1
    assert checked > 40


def test_a_value_stays_a_value_where_signatures_say_so() -> None:
    alike = [name for name, f in class_bodies("signatures.py")["Surface"].items() if ast.unparse(f.returns) == "Self"]
    assert len(alike) > 30
    assert len(operators()) == 14
    for node in (Value(0.5), Tensor([0.5, 0.25])):
        assert {name: type(getattr(node, name)()) for name in alike} == dict.fromkeys(alike, type(node))
        for name, other in itertools.product(operators(), (node, 2.0, 2, True)):
            assert type(getattr(node, name)(other)) is type(node), name


# Tests --------------------------------------------------------------------------------------------------------------


A_WAIT = re.compile(r"subprocess\.run\(|\.(join|wait)\(\)|\.communicate\(")  # quicker than to parse every file


def waits_for_ever(call: ast.Call) -> bool:
    """Return whether a call waits for a process, a thread or a server, with no end set."""
    if not isinstance(call.func, ast.Attribute) or "timeout" in {keyword.arg for keyword in call.keywords}:
        return False
    if call.func.attr == "run":
        return ast.unparse(call.func) == "subprocess.run"
    return not call.args and call.func.attr in ("join", "wait", "communicate")


def test_no_test_waits_for_ever() -> None:
    """One that hangs would take the whole run with it."""
    found = []
    for file in sorted(Path(__file__).parent.glob("*.py")):
        text = file.read_text(encoding="utf-8")
        calls = [n for n in ast.walk(ast.parse(text if A_WAIT.search(text) else "")) if isinstance(n, ast.Call)]
        waiting = [call for call in calls if waits_for_ever(call)]
        bounded = {id(arg) for call in calls if waiting and "wait_for" in ast.unparse(call.func) for arg in call.args}
        found += [f"{file.name}:{call.lineno}" for call in waiting if id(call) not in bounded]
    assert found == []


@each(["subprocess.run(x)", "process.wait()", "thread.join()", "process.communicate(input=b'')"])
def test_a_wait_without_an_end_would_be_found(source: str) -> None:
    (call,) = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    assert A_WAIT.search(source)
    assert waits_for_ever(call)


# Docstrings ---------------------------------------------------------------------------------------------------------


def modules() -> list[str]:
    return sorted({name_of(file) for package in MAY_IMPORT for file in files(package)} - set(UNDOCUMENTED))


def public(module: Any) -> Iterator[tuple[str, Any]]:
    """Yield the public functions and classes that a module writes down, and the classes' methods and properties."""
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(thing) or inspect.isclass(thing):
            yield name, thing
        for member, what in vars(thing).items() if inspect.isclass(thing) else ():
            function = what.fget if isinstance(what, property) else what
            written = inspect.isfunction(function) and function.__qualname__ == f"{name}.{member}"
            if written and not member.startswith("_"):
                yield f"{name}.{member}", getattr(thing, member)


OF_EXTRAS = (
    *("autograd_mini.bridges.", "autograd_mini.programs.tape."),
    *("nn.estimators.", "nn.export.", "nn.imports.", "viz.plots."),
)


@each([name for name in modules() if not name.startswith(OF_EXTRAS)])
def test_what_is_public_has_a_docstring(name: str) -> None:
    module = importlib.import_module(name)
    assert [thing for thing, what in public(module) if not inspect.getdoc(what)] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in modules() if name.startswith(OF_EXTRAS)])
def test_what_is_public_beside_another_library_has_a_docstring(name: str) -> None:
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        pytest.skip(f"an extra is not installed: {error}")
    assert [thing for thing, what in public(module) if not inspect.getdoc(what)] == []


@packages
def test_no_module_hides_a_function_that_its_package_exports(package: str) -> None:
    """Importing the module sets the package's attribute of its name, where the function has been."""
    for folder in (file.parent for file in files(package) if file.name == "__init__.py"):
        exported = getattr(importlib.import_module(name_of(folder / "__init__.py")), "__all__", [])
        inside = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
        door = importlib.import_module(name_of(folder / "__init__.py"))
        assert [name for name in inside & set(exported) if not inspect.ismodule(getattr(door, name))] == []


@packages
def test_every_exported_name_is_there(package: str) -> None:
    module = importlib.import_module(package)

    def missing(name: str) -> bool:
        try:
            return not hasattr(module, name)
        except ImportError:  # it is there, and says which extra to install
            return False

    assert [name for name in getattr(module, "__all__", []) if missing(name)] == []
    assert (ROOT / package / "py.typed").is_file()
