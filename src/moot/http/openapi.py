"""OpenAPI 3.1 made from the table of operations: what is served is what is described."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from moot.errors import PROBLEMS
from moot.http.operation import Operation
from moot.http.problems import PROBLEM_JSON, ProblemDocument, title

_REF: Final = "#/components/schemas/{name}"
_EVERY: Final = ("host_unknown", "rate_limited", "internal")
_WITH_BODY: Final = (
    "body_malformed",
    "body_too_large",
    "media_type_unsupported",
    "body_invalid",
    "origin_forbidden",
)
_PATH: Final[Mapping[str, tuple[str, dict[str, Any], str]]] = {
    "meeting_id": (
        "The Meeting ID in any spelling: 3 to 64 letters and digits, spaces and hyphens aside.",
        {
            "type": "string",
            "minLength": 3,
            "maxLength": 256,
            "pattern": "^[ \\-]*([A-Za-z0-9][ \\-]*){3,64}$",
        },
        "abcd-efgh-jkmn",
    ),
    "participant_id": (
        "A participant's id.",
        {"type": "string", "format": "uuid"},
        "0198f0a2-7c3e-7d60-b1c2-5a4f8e2d9b10",
    ),
    "message_id": (
        "A chat message's id, made by the client that posts it.",
        {"type": "string", "format": "uuid"},
        "0198f0a3-1b2c-7e40-9f8d-3c2b1a0f9e8d",
    ),
    "code": (
        "The stable id of an error.",
        {"type": "string", "pattern": "^[a-z_]{1,64}$"},
        "meeting_not_found",
    ),
}  # fmt: skip
_HEADERS: Final[Mapping[str, tuple[str, dict[str, Any], str]]] = {
    "Moot-Connection": (
        "The connection that sends this command; from the answer to a join.",
        {"type": "string", "format": "uuid"},
        "0198f0a2-8d11-7a52-8c33-0f1e2d3c4b5a",
    ),
    "Moot-Fence": (
        "That connection's fencing number.",
        {"type": "integer", "minimum": 0, "maximum": 2**53},
        "3",
    ),
    "If-Match": (
        "The `version` of the settings that the change is made to, as their `ETag` spells it.",
        {"type": "string", "pattern": '^"[0-9]{1,16}"$'},
        '"1"',
    ),
    "If-None-Match": (
        "The `ETag` of what the client has; the answer is 304 while it still holds.",
        {"type": "string"},
        '"1.7"',
    ),
    "Idempotency-Key": (
        "Names this request: a repeat within 24 hours gets the first answer.",
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        "0f9c1d2e",
    ),
}
_ANSWER_HEADERS: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "ETag": ("The version of what was answered.", {"type": "string"}),
    "Location": ("Where the new meeting is.", {"type": "string"}),
}
_TAGS: Final[Mapping[str, str]] = {
    "Meetings": "Create, read, change and end a meeting.",
    "Joining and leaving": "One person in one meeting, on any number of connections.",
    "Lobby": "Waiting until a host answers.",
    "Hosts": "What a host does to others; enforced on the server and in the media engine.",
    "Chat": "The chat of the current run of a meeting.",
    "Server": "Health, metrics and these documents.",
}


def document(operations: list[Operation], version: str) -> dict[str, Any]:
    """Make the whole description.

    Args:
        operations: the table that is served.
        version: of moot.
    """
    types = [shown.type for operation in operations for shown in operation.answers.values()]
    types += [operation.body for operation in operations if operation.body is not None]
    types += [ProblemDocument]
    types = [kind for kind in types if not isinstance(kind, str)]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    by_type = dict(zip(map(_key, types), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        path = paths.setdefault(operation.path, {})
        path[operation.method.lower()] = _operation(operation, by_type)
        if operation.method == "GET":
            path["head"] = _head(path["get"], operation.id)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "moot",
            "version": version,
            "summary": "Meetings that people join by an id.",
            "description": (
                "Commands travel by HTTP; changes come back on the event stream, a WebSocket at "
                "`/api/v1/meetings/{meeting_id}/events`. Every command is idempotent, and no "
                "create or join ever answers 409."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": told} for name, told in _TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "guest": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "moot_guest",
                    "description": "A browser's signed cookie; set when first needed.",
                },
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "A token of the server's `auth_secret` or of its OIDC issuer.",
                },
            },
        },
    }


def _key(kind: Any) -> Any:
    return kind if not hasattr(kind, "__name__") else kind.__module__ + kind.__qualname__


def _operation(operation: Operation, by_type: Mapping[Any, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": list(_parameters(operation)),
        "responses": _responses(operation, by_type),
        "security": _security(operation),
    }
    if operation.description:
        described["description"] = operation.description
    if operation.body is not None:
        content: dict[str, Any] = {"schema": by_type[_key(operation.body)]}
        if operation.example is not None:
            content["example"] = operation.example
        described["requestBody"] = {
            "required": operation.is_body_needed,
            "content": {"application/json": content},
        }
    return described


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    ways: list[dict[str, list[str]]] = [{"guest": []}, {"bearer": []}]
    if operation.asking == "known":
        return ways
    return [] if operation.asking == "nobody" else [{}, *ways]


def _parameters(operation: Operation) -> Iterable[dict[str, Any]]:
    for part in operation.path.split("/"):
        if part.startswith("{"):
            name = part[1:-1]
            told, schema, example = _PATH[name]
            yield _parameter("path", name, told, schema, example, is_needed=True)
    if operation.query is not None:
        schema = msgspec.json.schema(operation.query)["$defs"][operation.query.__name__]
        for name, field in schema["properties"].items():
            yield {"in": "query", "name": name, "required": False, "schema": field}
    names = ["Moot-Connection", "Moot-Fence"] if operation.takes_connection else []
    names += ["If-Match"] if operation.if_match else []
    names += ["If-None-Match"] if operation.if_none_match else []
    names += ["Idempotency-Key"] if operation.idempotency_key else []
    for name in names:
        told, header, example = _HEADERS[name]
        yield _parameter("header", name, told, header, example, is_needed=name == "If-Match")


def _parameter(
    where: str, name: str, told: str, schema: dict[str, Any], example: str, *, is_needed: bool
) -> dict[str, Any]:
    value: Any = int(example) if schema["type"] == "integer" else example
    return {
        "in": where,
        "name": name,
        "required": is_needed,
        "description": told,
        "schema": schema,
        "example": value,
    }


def _responses(operation: Operation, by_type: Mapping[Any, Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, shown in operation.answers.items():
        response: dict[str, Any] = {"description": shown.sentence}
        if shown.type is not None:
            schema = (
                {"type": "string"} if isinstance(shown.type, str) else by_type[_key(shown.type)]
            )
            response["content"] = {shown.content_type: {"schema": schema}}
        if shown.headers:
            response["headers"] = {
                name: {
                    "description": _ANSWER_HEADERS[name][0],
                    "schema": _ANSWER_HEADERS[name][1],
                    "required": True,
                }
                for name in shown.headers
            }
        if operation.links:
            response["links"] = {
                name: {"operationId": target, "parameters": dict(expressions)}
                for name, (target, expressions) in operation.links.items()
            }
        responses[str(status)] = response
    for status, ids in sorted(_problems(operation).items()):
        responses[str(status)] = _problem_response(ids)
    return responses


def _problems(operation: Operation) -> dict[int, list[str]]:
    ids = [*_EVERY, *operation.problems]
    if operation.method != "GET":
        ids += _WITH_BODY
    elif operation.query is not None or "{" in operation.path:
        ids += ["body_malformed", "body_invalid", "body_too_large"]
    else:
        ids += ["body_malformed", "body_invalid"]
    if "{meeting_id}" in operation.path:
        ids += ["meeting_id_invalid", "unavailable"]
    if operation.asking != "nobody":
        ids += ["token_invalid", "issuer_unavailable", "unavailable"]
    if operation.asking == "known":
        ids += ["not_authenticated"]
    if operation.method != "GET" and operation.asking != "nobody":
        ids += ["storage_full"]
    if operation.takes_connection:
        ids += ["connection_closed", "meeting_ended"]
    by_status: dict[int, list[str]] = {}
    for problem_id in dict.fromkeys(ids):
        by_status.setdefault(PROBLEMS[problem_id].status, []).append(problem_id)
    return by_status


def _problem_response(ids: list[str]) -> dict[str, Any]:
    listed = "; ".join(f"`{problem_id}`: {PROBLEMS[problem_id].sentence}" for problem_id in ids)
    described: dict[str, Any] = {
        "description": listed,
        "content": {
            PROBLEM_JSON.decode(): {
                "schema": {
                    "allOf": [
                        {"$ref": _REF.format(name="ProblemDocument")},
                        {"properties": {"code": {"enum": ids}}},
                    ]
                },
                "examples": {problem_id: {"value": _example(problem_id)} for problem_id in ids},
            }
        },
    }
    if PROBLEMS[ids[0]].status == 429:
        described["headers"] = {
            "Retry-After": {
                "description": "Seconds after which it will work.",
                "schema": {"type": "integer", "minimum": 1},
                "required": True,
            }
        }
    return described


def _example(problem_id: str) -> dict[str, Any]:
    kind = PROBLEMS[problem_id]
    return {
        "type": f"/api/v1/problems/{problem_id}",
        "title": title(kind),
        "status": kind.status,
        "detail": kind.sentence,
        "code": problem_id,
        "cure": kind.cure,
    }


def _head(described: dict[str, Any], operation_id: str) -> dict[str, Any]:
    """Describe HEAD: the same headers, no content."""
    responses = {
        status: {name: part for name, part in response.items() if name not in ("content", "links")}
        for status, response in described["responses"].items()
    }
    return described | {
        "operationId": f"{operation_id}_head",
        "summary": f"{described['summary']} Headers only.",
        "responses": responses,
    }
