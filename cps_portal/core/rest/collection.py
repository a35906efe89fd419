"""A collection of all operations for API tools, made from the contract: Postman's format 2.1, which others read too."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
METHODS = ("get", "post", "put", "patch", "delete")
VARIABLES = {
    "baseUrl": "http://localhost:8000",
    "clientId": "sample-centre",
    "clientSecret": "",
    "token": "",
}


def make_collection(contract: Mapping[str, Any]) -> dict[str, Any]:
    """Operations in folders, in the order of the tags, each with its example and what it has to be sent with."""
    folders: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in contract["tags"]}
    for path, item in contract["paths"].items():
        for method in METHODS:
            if method in item:
                folders[item[method]["tags"][0]].append(_item(path, method, item[method]))
    return {
        "info": {
            "name": contract["info"]["title"],
            "description": contract["info"]["description"],
            "schema": SCHEMA,
        },
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}", "type": "string"}]},
        "variable": [{"key": key, "value": value} for key, value in VARIABLES.items()],
        "item": [{"name": name, "item": items} for name, items in folders.items() if items],
    }


def _item(path: str, method: str, operation: Mapping[str, Any]) -> dict[str, Any]:
    request = {
        "method": method.upper(),
        "header": list(_headers(operation)),
        "url": _url(path, operation),
        "description": operation.get("description", ""),
    }
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        request["body"] = _body(kind, content.get("example", {}))
    if operation["operationId"] in ("fetchToken", "revokeToken"):
        request["auth"] = {"type": "noauth"}
    return {"name": operation["summary"], "request": request}


def _headers(operation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for kind in operation.get("requestBody", {}).get("content", {}):
        if kind == "application/json":
            yield {"key": "Content-Type", "value": kind}
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "header":
            value = "{{$guid}}" if parameter["name"] == "Idempotency-Key" else ""
            header = {"key": parameter["name"], "value": value, "description": parameter["description"]}
            yield header if parameter.get("required") else {**header, "disabled": True}


def _url(path: str, operation: Mapping[str, Any]) -> dict[str, Any]:
    parts = [part.replace("{", ":").replace("}", "") for part in path.strip("/").split("/")]
    parameters = operation.get("parameters", [])
    url: dict[str, Any] = {"raw": "{{baseUrl}}/" + "/".join(parts), "host": ["{{baseUrl}}"], "path": parts}
    if query := [
        {"key": each["name"], "value": "", "description": each["description"], "disabled": not each.get("required")}
        for each in parameters
        if each["in"] == "query"
    ]:
        url["query"] = query
    if variable := [
        {"key": each["name"], "value": "", "description": each["description"]}
        for each in parameters
        if each["in"] == "path"
    ]:
        url["variable"] = variable
    return url


def _body(kind: str, example: Mapping[str, Any]) -> dict[str, Any]:
    if kind == "application/json":
        raw = json.dumps(example, indent=2, ensure_ascii=False)
        return {"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}}
    if kind == "multipart/form-data":
        texts = [{"key": name, "type": "text", "value": value} for name, value in example.items() if name != "file"]
        return {"mode": "formdata", "formdata": [*texts, {"key": "file", "type": "file", "src": []}]}
    values = {**example, "client_id": "{{clientId}}", "client_secret": "{{clientSecret}}"}
    return {"mode": "urlencoded", "urlencoded": [{"key": key, "value": str(value)} for key, value in values.items()]}
