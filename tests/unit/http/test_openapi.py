"""The description is complete, and agrees with what is served."""

import json
import re

import msgspec
import pytest
from tests.unit.http.world import OPERATIONS

from moot.errors import PROBLEMS
from moot.http.openapi import document

DOCUMENT = json.loads(msgspec.json.encode(document(OPERATIONS, "0.test")))
DESCRIBED = [
    (path, method, described)
    for path, methods in DOCUMENT["paths"].items()
    for method, described in methods.items()
]


def test_every_operation_is_described():
    """What is served is what is described: the same methods on the same paths."""
    served = {(o.path, o.method.lower()) for o in OPERATIONS}
    served |= {(path, "head") for path, method in served if method == "get"}
    assert {(path, method) for path, method, _ in DESCRIBED} == served


def test_every_reference_leads_somewhere():
    """A generator of clients can follow every `$ref`."""
    names = set(DOCUMENT["components"]["schemas"])
    referred = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(DOCUMENT)))
    assert referred <= names
    assert {"MeetingView", "ParticipantView", "Snapshot", "ProblemDocument"} <= referred


def test_every_link_names_an_operation_and_its_parameters():
    """Stateful clients and tests can follow the links."""
    parameters = {
        described["operationId"]: {p["name"] for p in described["parameters"]}
        for _, _, described in DESCRIBED
    }
    links = [
        link
        for _, _, described in DESCRIBED
        for response in described["responses"].values()
        for link in response.get("links", {}).values()
    ]
    assert len(links) >= 10
    for link in links:
        assert set(link["parameters"]) <= parameters[link["operationId"]]


@pytest.mark.parametrize(("path", "method", "described"), DESCRIBED)
def test_every_answer_is_described(path, method, described):
    """ERR-1: each operation says its errors, each with code, sentence and example; never 409."""
    responses = described["responses"]
    assert "409" not in responses
    assert "421" in responses
    assert described["summary"].endswith(".")
    for name in re.findall(r"{(\w+)}", path):
        assert any(p["name"] == name and p["required"] for p in described["parameters"])
    for status, response in responses.items():
        assert response["description"]
        for kind, content in response.get("content", {}).items():
            if kind != "application/problem+json":
                continue
            ids = content["schema"]["allOf"][1]["properties"]["code"]["enum"]
            assert {str(PROBLEMS[problem_id].status) for problem_id in ids} == {status}
            assert set(content["examples"]) == set(ids)
    if method not in ("get", "head"):
        assert {"400", "403", "413", "415", "422"} <= set(responses)


def test_bodies_are_closed_objects_with_bounds():
    """ERR-1: unknown fields are refused, and every text that comes in has a length."""
    schemas = DOCUMENT["components"]["schemas"]
    bodies = {
        described["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for _, _, described in DESCRIBED
        if "requestBody" in described
    }
    assert len(bodies) >= 10
    for name in bodies:
        assert schemas[name]["additionalProperties"] is False
        for field in schemas[name]["properties"].values():
            for kind in field.get("anyOf", [field]):
                if kind.get("type") == "string":
                    assert "maxLength" in kind or "pattern" in kind or "enum" in kind
                if kind.get("type") == "integer":
                    assert "maximum" in kind


def test_examples_fit_their_schemas():
    """What the documents show can be sent as it stands."""
    for operation in OPERATIONS:
        if operation.example is not None:
            msgspec.convert(dict(operation.example), operation.body)
