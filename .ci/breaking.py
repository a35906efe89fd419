"""Whether a contract breaks what clients of another one rely on: `breaking.py RELEASED CURRENT`, exit code 1 if so."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

METHODS = ("get", "post", "put", "patch", "delete")
LOWER_IS_TIGHTER = ("maxLength", "maximum", "maxItems")
HIGHER_IS_TIGHTER = ("minLength", "minimum", "minItems")


def breaks(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    """Everything that a client of `old` would trip over."""
    for path, item in old["paths"].items():
        for method in METHODS:
            if method in item:
                there = new["paths"].get(path, {}).get(method)
                name = f"{method.upper()} {path}"
                if there is None:
                    yield f"{name}: gone"
                else:
                    yield from _operation(name, item[method], there, old, new)


def _operation(name: str, was: Any, now: Any, old: Any, new: Any) -> Iterator[str]:
    before = {(one["in"], one["name"]): one for one in was.get("parameters", [])}
    for key, one in {(one["in"], one["name"]): one for one in now.get("parameters", [])}.items():
        if one.get("required") and not before.get(key, {}).get("required"):
            yield f"{name}: {key[1]} is required"
        if key in before:
            yield from _sent(f"{name} {key[1]}", before[key]["schema"], one["schema"], old, new)
    for gone in before.keys() - {(one["in"], one["name"]) for one in now.get("parameters", [])}:
        yield f"{name}: parameter {gone[1]} is gone"
    scopes = {scope for one in was.get("security", []) for scope in one.get("oauth2", [])}
    for more in {scope for one in now.get("security", []) for scope in one.get("oauth2", [])} - scopes:
        yield f"{name}: needs the scope {more}"
    for kind, body in was.get("requestBody", {}).get("content", {}).items():
        there = now.get("requestBody", {}).get("content", {}).get(kind)
        if there is None:
            yield f"{name}: takes no {kind}"
        else:
            yield from _sent(f"{name} body", body["schema"], there["schema"], old, new)
    for code, answer in was["responses"].items():
        there = now["responses"].get(code)
        if there is None:
            yield f"{name}: no answer {code}"
            continue
        for kind, body in answer.get("content", {}).items():
            found = there.get("content", {}).get(kind)
            if found is None:
                yield f"{name}: {code} is no {kind}"
            else:
                yield from _got(f"{name} {code}", body["schema"], found["schema"], old, new)


def _sent(where: str, was: Any, now: Any, old: Any, new: Any, depth: int = 0) -> Iterator[str]:
    """What clients send has to be taken still."""
    was, now = _whole(was, old), _whole(now, new)
    if depth > 8:
        return
    yield from _kind(where, was, now)
    for limit in LOWER_IS_TIGHTER:
        if limit in now and (limit not in was or now[limit] < was[limit]):
            yield f"{where}: {limit} is {now[limit]}"
    for limit in HIGHER_IS_TIGHTER:
        if now.get(limit, 0) > was.get(limit, 0):
            yield f"{where}: {limit} is {now[limit]}"
    if gone := {str(one) for one in was.get("enum", [])} - {str(one) for one in now.get("enum", was.get("enum", []))}:
        yield f"{where}: takes no {', '.join(sorted(gone))}"
    for more in set(now.get("required", [])) - set(was.get("required", [])):
        yield f"{where}: {more} is required"
    for field, schema in was.get("properties", {}).items():
        if field not in now.get("properties", {}):
            yield f"{where}: {field} is not known"
        else:
            yield from _sent(f"{where}.{field}", schema, now["properties"][field], old, new, depth + 1)
    if "items" in was and "items" in now:
        yield from _sent(f"{where}[]", was["items"], now["items"], old, new, depth + 1)


def _got(where: str, was: Any, now: Any, old: Any, new: Any, depth: int = 0) -> Iterator[str]:
    """What clients read has to be there still; more may come."""
    was, now = _whole(was, old), _whole(now, new)
    if depth > 8:
        return
    yield from _kind(where, was, now)
    for field in set(was.get("required", [])) - set(now.get("required", [])):
        yield f"{where}: {field} may be missing"
    for field, schema in was.get("properties", {}).items():
        if field not in now.get("properties", {}):
            yield f"{where}: {field} is gone"
        else:
            yield from _got(f"{where}.{field}", schema, now["properties"][field], old, new, depth + 1)
    if "items" in was and "items" in now:
        yield from _got(f"{where}[]", was["items"], now["items"], old, new, depth + 1)


def _kind(where: str, was: Any, now: Any) -> Iterator[str]:
    for name in ("type", "format"):
        if was.get(name) != now.get(name):
            yield f"{where}: {name} was {was.get(name)}, is {now.get(name)}"


def _whole(schema: Any, contract: Any) -> Any:
    """What a reference leads to; of several parts all together."""
    if "$ref" in schema:
        return _whole(contract["components"]["schemas"][schema["$ref"].rpartition("/")[2]], contract)
    parts = schema.get("allOf") or [one for one in schema.get("oneOf", []) if one.get("enum") not in ([""], [None])]
    if len(parts) == 1:
        return {**_whole(parts[0], contract), **{name: value for name, value in schema.items() if name == "default"}}
    return schema


def main(released: str, current: str) -> int:
    old, new = (yaml.load(Path(name).read_bytes(), yaml.CSafeLoader) for name in (released, current))
    found = sorted(set(breaks(old, new)))
    print(*found, sep="\n")  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
