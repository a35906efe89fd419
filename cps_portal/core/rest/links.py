"""Which operation goes on from which: the links of the contract, read off its addresses.

What makes something leads to all that stands under it, a list to the first that it shows, reading it to all that can
be done with it, and what was done with it to reading it again.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")
FIRST = "/results/0"
# Where an operation tells of something that stands elsewhere.
ELSEWHERE: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "checkIntake": {"getTicket": {"reference": "/tickets/0/reference"}},
    "getLoan": {"getTicket": {"reference": "/ticket"}},
    "listLoans": {"getTicket": {"reference": f"{FIRST}/ticket"}},
    "listProductChanges": {"getProduct": {"slug": f"{FIRST}/slug"}},
    "listStageChanges": {"getProduct": {"slug": f"{FIRST}/product"}},
    "listVisitors": {"getTicket": {"reference": f"{FIRST}/tickets/0"}},
    "openVisitorTicket": {"getTicket": {"reference": "/reference"}},
    "searchProducts": {"getProduct": {"slug": f"{FIRST}/slug"}},
}


@dataclass(frozen=True)
class Operation:
    path: str
    method: str
    said: Mapping[str, Any]

    @property
    def names(self) -> list[str]:
        return re.findall(r"\{(\w+)\}", self.path)

    def kind_of(self, name: str) -> str:
        """As what an answer says a parameter of the address: keys are numbers, everything else is text."""
        schema = next(one["schema"] for one in self.said["parameters"] if one["name"] == name)
        return "integer" if schema.get("pattern", "").startswith("^[0-9]") else "string"


def add_links(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:  # noqa: FBT001
    """A hook of the generator of the contract."""
    there = {
        operation["operationId"]: Operation(path, method, operation)
        for path, item in result["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }
    for name, one in there.items():
        found = {target: _bodied(values) for target, values in ELSEWHERE.get(name, {}).items()}
        for target, other in there.items():
            if target != name and (values := _values(result, one, other)):
                found[target] = values
        links = {target: {"operationId": target, "parameters": found[target]} for target in sorted(found)}
        for code, answer in one.said["responses"].items():
            if links and code.startswith("2") and one.method != "delete":
                answer["links"] = links
    return result


def add_field_names(result: Any, generator: Any, request: Any, public: bool) -> Any:  # noqa: FBT001
    """A hook of the generator too: `fields` takes the names that the answer has."""
    for item in result["paths"].values():
        for method, operation in item.items():
            for one in operation.get("parameters", []) if method in METHODS else []:
                if one["name"] == "fields":
                    (_place, fields), *_more = _shown(result, operation)
                    names = "|".join(fields)
                    one["schema"]["pattern"] = f"^({names})(,({names}))*$"
    return result


def _values(contract: Any, one: Operation, other: Operation) -> dict[str, str]:
    """What the other one's parameters are after this one; none if nothing leads there."""
    own = {name: f"$request.path.{name}" for name in one.names}
    if own and other.names == one.names:
        under = one.method == "get" and one.path.endswith("}") and other.path.startswith(f"{one.path}/")
        again = one.method != "get" and other.method == "get" and one.path.startswith(f"{other.path}/")
        beside = other.path == one.path and "get" in (one.method, other.method)
        return own if under or again or beside else {}
    item = re.match(re.escape(one.path) + r"/\{(\w+)\}", other.path)
    if item is None or other.names != [*own, item[1]]:
        return {}
    if one.method == "get" and other.path != item[0] and item[0] in contract["paths"]:
        return {}  # the item itself leads there
    place = _place(contract, one, item[1], other.kind_of(item[1]))
    return {**own, **_bodied({item[1]: place})} if place else {}


def _bodied(places: Mapping[str, str]) -> dict[str, str]:
    return {name: f"$response.body#{place}" for name, place in places.items()}


def _place(contract: Any, one: Operation, name: str, kind: str) -> str:
    """Where a good answer says the value: under this name, or as `id`. Nowhere: ""."""
    for place, fields in _shown(contract, one.said):
        for field in (name, "id"):
            if fields.get(field, {}).get("type") == kind:
                return f"{place}/{field}"
    return ""


def _shown(contract: Any, operation: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The fields of what is answered: of a list those of its first row, otherwise also those one step further in."""
    for code, answer in operation["responses"].items():
        body = answer.get("content", {}).get("application/json", {}).get("schema")
        if body is None or not code.startswith("2"):
            continue
        fields = _fields(contract, body)
        if "results" in fields:
            yield FIRST, _fields(contract, fields["results"]["items"])
            continue
        yield "", fields
        for name, inner in fields.items():
            yield f"/{name}", _fields(contract, inner)


def _fields(contract: Any, schema: Any) -> Any:
    while reference := schema.get("$ref"):
        schema = contract["components"]["schemas"][reference.rpartition("/")[2]]
    return schema.get("properties", {})
