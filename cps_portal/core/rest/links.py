"""OpenAPI links: which operation can follow another, derived from the paths.

Creating an object links to everything below its path, a list links to its first row, reading an object links to all
operations on it, and an operation on it links to reading it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")
FIRST_ROW = "/results/0"
# Links to objects under another path, which the paths alone do not show.
EXPLICIT_LINKS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "checkIntake": {"getTicket": {"reference": "/tickets/0/reference"}},
    "getLoan": {"getTicket": {"reference": "/ticket"}},
    "listLoans": {"getTicket": {"reference": f"{FIRST_ROW}/ticket"}},
    "listProductChanges": {"getProduct": {"slug": f"{FIRST_ROW}/slug"}},
    "listStageChanges": {"getProduct": {"slug": f"{FIRST_ROW}/product"}},
    "listVisitors": {"getTicket": {"reference": f"{FIRST_ROW}/tickets/0"}},
    "openVisitorTicket": {"getTicket": {"reference": "/reference"}},
    "searchProducts": {"getProduct": {"slug": f"{FIRST_ROW}/slug"}},
}


@dataclass(frozen=True)
class Operation:
    path: str
    method: str
    description: Mapping[str, Any]

    @property
    def names(self) -> list[str]:
        return re.findall(r"\{(\w+)\}", self.path)

    def kind_of(self, name: str) -> str:
        """The JSON type of a path parameter: primary keys are numbers, everything else is text."""
        schema = next(each["schema"] for each in self.description["parameters"] if each["name"] == name)
        return "integer" if schema.get("pattern", "").startswith("^[0-9]") else "string"


def add_links(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:  # noqa: FBT001
    """Hook of drf-spectacular."""
    operations = {
        description["operationId"]: Operation(path, method, description)
        for path, item in result["paths"].items()
        for method, description in item.items()
        if method in METHODS
    }
    for name, operation in operations.items():
        parameters = {target: _from_body(values) for target, values in EXPLICIT_LINKS.get(name, {}).items()}
        for target, other in operations.items():
            if target != name and (values := _values(result, operation, other)):
                parameters[target] = values
        links = {target: {"operationId": target, "parameters": parameters[target]} for target in sorted(parameters)}
        for code, response in operation.description["responses"].items():
            if links and code.startswith("2") and operation.method != "delete":
                response["links"] = links
    return result


def add_field_names(result: Any, generator: Any, request: Any, public: bool) -> Any:  # noqa: FBT001
    """Hook of drf-spectacular: `fields` accepts the field names of the response."""
    for item in result["paths"].values():
        for method, operation in item.items():
            for parameter in operation.get("parameters", []) if method in METHODS else []:
                if parameter["name"] == "fields":
                    (_pointer, fields), *_more = _response_fields(result, operation)
                    names = "|".join(fields)
                    parameter["schema"]["pattern"] = f"^({names})(,({names}))*$"
    return result


def _values(contract: Any, operation: Operation, other: Operation) -> dict[str, str]:
    """The path parameters of `other` as runtime expressions of `operation`. Empty: no link."""
    own = {name: f"$request.path.{name}" for name in operation.names}
    if own and other.names == operation.names:
        under = (
            operation.method == "get" and operation.path.endswith("}") and other.path.startswith(f"{operation.path}/")
        )
        again = operation.method != "get" and other.method == "get" and operation.path.startswith(f"{other.path}/")
        beside = other.path == operation.path and "get" in (operation.method, other.method)
        return own if under or again or beside else {}
    item = re.match(re.escape(operation.path) + r"/\{(\w+)\}", other.path)
    if item is None or other.names != [*own, item[1]]:
        return {}
    if operation.method == "get" and other.path != item[0] and item[0] in contract["paths"]:
        return {}  # reading the object links there
    pointer = _pointer_to(contract, operation, item[1], other.kind_of(item[1]))
    return {**own, **_from_body({item[1]: pointer})} if pointer else {}


def _from_body(pointers: Mapping[str, str]) -> dict[str, str]:
    return {name: f"$response.body#{pointer}" for name, pointer in pointers.items()}


def _pointer_to(contract: Any, operation: Operation, name: str, kind: str) -> str:
    """JSON pointer to the value in a successful response, under this name or as `id`; "" if it is not there."""
    for pointer, fields in _response_fields(contract, operation.description):
        for field in (name, "id"):
            if fields.get(field, {}).get("type") == kind:
                return f"{pointer}/{field}"
    return ""


def _response_fields(contract: Any, operation: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The fields of a successful response by their pointer: of a list those of its first row, else two levels."""
    for code, response in operation["responses"].items():
        body = response.get("content", {}).get("application/json", {}).get("schema")
        if body is None or not code.startswith("2"):
            continue
        fields = _fields(contract, body)
        if "results" in fields:
            yield FIRST_ROW, _fields(contract, fields["results"]["items"])
            continue
        yield "", fields
        for name, inner in fields.items():
            yield f"/{name}", _fields(contract, inner)


def _fields(contract: Any, schema: Any) -> Any:
    while reference := schema.get("$ref"):
        schema = contract["components"]["schemas"][reference.rpartition("/")[2]]
    return schema.get("properties", {})
