"""Which codes the API can refuse with: read from the source, through all that its handlers call."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from django.conf import settings

Place = tuple[str, str]  # module and name of a function


@cache
def _file(module: str) -> Path | None:
    path = Path(settings.BASE_DIR, *module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.exists()), None)


@cache
def _tree(module: str) -> ast.Module:
    file = _file(module)
    assert file, module
    return ast.parse(file.read_text(encoding="utf-8"))


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in ("cps_portal", "kitbag", "members", "servicing")


@cache
def _imports(module: str) -> dict[str, str]:
    """What each imported name stands for: a module of ours, or "module:name"."""
    found = {}
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.ImportFrom) and node.module and _is_ours(node.module):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found[alias.asname or alias.name] = whole if _file(whole) else f"{node.module}:{alias.name}"
    return found


@cache
def _definitions(module: str) -> dict[str, list[ast.AST]]:
    """Functions, classes, and what the module assigns to a name, such as a table of functions."""
    found: dict[str, list[ast.AST]] = {}
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.setdefault(node.name, []).append(node)
    for node in _tree(module).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign) and node.value:
            targets = [node.target]
        for target in targets:
            if isinstance(target, ast.Name):
                found.setdefault(target.id, []).append(node)
    return found


def _defined(module: str, name: str) -> Place | None:
    """Where a name is defined, through the modules that only gather others."""
    if name in _definitions(module):
        return module, name
    target = _imports(module).get(name, "")
    return _defined(*target.split(":")) if ":" in target else None


def _called(module: str, node: ast.AST) -> Iterator[Place]:
    """The functions of ours that this one names: called by itself, given to another one, or a method of its class."""
    for inner in ast.walk(node):
        place = None
        if isinstance(inner, ast.Name):
            place = _defined(module, inner.id)
        elif isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name):
            owner = _imports(module).get(inner.value.id, "")
            if inner.value.id == "self":
                place = _defined(module, inner.attr)
            elif owner and ":" not in owner:
                place = _defined(owner, inner.attr)
        if place:
            yield place


def reachable(modules: Iterator[str]) -> set[Place]:
    """Every function that the handlers in these modules lead to."""
    waiting = [(module, name) for module in modules for name in _definitions(module)]
    seen: set[Place] = set()
    while waiting:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        module, name = place
        for node in _definitions(module)[name]:
            waiting += _called(module, node)
    return seen


def refusals(places: set[Place]) -> dict[str, set[str]]:
    """The codes of every Refusal made there, as they are written in the source, and where."""
    found: dict[str, set[str]] = {}
    for module, name in places:
        for node in _definitions(module)[name]:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Call) and getattr(inner.func, "id", "") == "Refusal" and inner.args:
                    found.setdefault(ast.unparse(inner.args[0]).strip("'"), set()).add(f"{module}.{name}")
    return found
