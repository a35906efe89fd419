"""Whether docs/openapi.yaml breaks clients of the last release: lists breaking changes, exit code 1 if there are any.

The last release is the latest git tag such as v1.2. Without one nothing is released, and every change is allowed.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CONTRACT = "docs/openapi.yaml"
METHODS = ("get", "post", "put", "patch", "delete")
LOWER_IS_TIGHTER = ("maxLength", "maximum", "maxItems")
HIGHER_IS_TIGHTER = ("minLength", "minimum", "minItems")


def breaks(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    """Every change that can break a client of `old`."""
    for path, item in old["paths"].items():
        for method in METHODS:
            if method in item:
                current = new["paths"].get(path, {}).get(method)
                name = f"{method.upper()} {path}"
                if current is None:
                    yield f"{name}: gone"
                else:
                    yield from _operation(name, item[method], current, old, new)


def _operation(name: str, was: Any, now: Any, old: Any, new: Any) -> Iterator[str]:
    before, after = _parameters(was), _parameters(now)
    for key, parameter in after.items():
        if parameter.get("required") and not before.get(key, {}).get("required"):
            yield f"{name}: {key[1]} is required"
        if key in before:
            yield from _request(f"{name} {key[1]}", before[key]["schema"], parameter["schema"], old, new)
    for _location, removed in before.keys() - after.keys():
        yield f"{name}: parameter {removed} is gone"
    for scope in _scopes(now) - _scopes(was):
        yield f"{name}: needs the scope {scope}"
    for kind, body in was.get("requestBody", {}).get("content", {}).items():
        current = now.get("requestBody", {}).get("content", {}).get(kind)
        if current is None:
            yield f"{name}: takes no {kind}"
        else:
            yield from _request(f"{name} body", body["schema"], current["schema"], old, new)
    for code, response in was["responses"].items():
        if code not in now["responses"]:
            yield f"{name}: no response {code}"
            continue
        for kind, body in response.get("content", {}).items():
            current = now["responses"][code].get("content", {}).get(kind)
            if current is None:
                yield f"{name}: {code} is no {kind}"
            else:
                yield from _response(f"{name} {code}", body["schema"], current["schema"], old, new)


def _parameters(operation: Any) -> dict[tuple[str, str], Any]:
    return {(parameter["in"], parameter["name"]): parameter for parameter in operation.get("parameters", [])}


def _scopes(operation: Any) -> set[str]:
    return {scope for requirement in operation.get("security", []) for scope in requirement.get("oauth2", [])}


def _request(where: str, was: Any, now: Any, old: Any, new: Any, depth: int = 0) -> Iterator[str]:
    """What clients send must still be accepted."""
    was, now = _resolve(was, old), _resolve(now, new)
    if depth > 8:
        return
    yield from _kind(where, was, now)
    for limit in LOWER_IS_TIGHTER:
        if limit in now and (limit not in was or now[limit] < was[limit]):
            yield f"{where}: {limit} is {now[limit]}"
    for limit in HIGHER_IS_TIGHTER:
        if now.get(limit, 0) > was.get(limit, 0):
            yield f"{where}: {limit} is {now[limit]}"
    allowed = now.get("enum", was.get("enum", []))
    if removed := {str(value) for value in was.get("enum", [])} - {str(value) for value in allowed}:
        yield f"{where}: takes no {', '.join(sorted(removed))}"
    for field in set(now.get("required", [])) - set(was.get("required", [])):
        yield f"{where}: {field} is required"
    for field, schema in was.get("properties", {}).items():
        if field not in now.get("properties", {}):
            yield f"{where}: {field} is not accepted"
        else:
            yield from _request(f"{where}.{field}", schema, now["properties"][field], old, new, depth + 1)
    if "items" in was and "items" in now:
        yield from _request(f"{where}[]", was["items"], now["items"], old, new, depth + 1)


def _response(where: str, was: Any, now: Any, old: Any, new: Any, depth: int = 0) -> Iterator[str]:
    """What clients read must still be there; additions are fine."""
    was, now = _resolve(was, old), _resolve(now, new)
    if depth > 8:
        return
    yield from _kind(where, was, now)
    for field in set(was.get("required", [])) - set(now.get("required", [])):
        yield f"{where}: {field} may be missing"
    for field, schema in was.get("properties", {}).items():
        if field not in now.get("properties", {}):
            yield f"{where}: {field} is gone"
        else:
            yield from _response(f"{where}.{field}", schema, now["properties"][field], old, new, depth + 1)
    if "items" in was and "items" in now:
        yield from _response(f"{where}[]", was["items"], now["items"], old, new, depth + 1)


def _kind(where: str, was: Any, now: Any) -> Iterator[str]:
    for name in ("type", "format"):
        if was.get(name) != now.get(name):
            yield f"{where}: {name} was {was.get(name)}, is {now.get(name)}"


def _resolve(schema: Any, contract: Any) -> Any:
    """Follow references, and unwrap allOf and oneOf with a single schema."""
    if "$ref" in schema:
        return _resolve(contract["components"]["schemas"][schema["$ref"].rpartition("/")[2]], contract)
    parts = schema.get("allOf") or [part for part in schema.get("oneOf", []) if part.get("enum") not in ([""], [None])]
    if len(parts) == 1:
        return {**_resolve(parts[0], contract), **{name: value for name, value in schema.items() if name == "default"}}
    return schema


def read_released() -> bytes | None:
    """The contract of the latest tag that this commit contains; None without one."""
    describe = ["git", "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"]
    tag = subprocess.run(describe, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    if not tag:
        return None
    return subprocess.run(["git", "show", f"{tag}:{CONTRACT}"], capture_output=True, check=True).stdout  # noqa: S603, S607


def main() -> int:
    released = read_released()
    if released is None:
        print("nothing is released yet: no tag v*")  # noqa: T201
        return 0
    old, new = (yaml.load(content, yaml.CSafeLoader) for content in (released, Path(CONTRACT).read_bytes()))
    breaking_changes = sorted(set(breaks(old, new)))
    print(*breaking_changes, sep="\n")  # noqa: T201
    return 1 if breaking_changes else 0


if __name__ == "__main__":
    sys.exit(main())
