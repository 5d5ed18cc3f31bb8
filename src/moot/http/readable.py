"""The description of the API as a page for people: plain HTML, no script, all our own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

import msgspec

_METHODS: Final = ("get", "put", "post", "patch", "delete")

STYLE: Final = """\
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent);
  --soft: color-mix(in srgb, currentColor 6%, transparent); }
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1.25rem 6rem;
  font: 1rem/1.55 system-ui, sans-serif; }
h1 { font-size: 1.75rem; margin: 0 0 .25rem; }
h2 { font-size: 1.25rem; margin: 3rem 0 .5rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 0; display: inline; font-weight: 600; }
nav ul { columns: 2; padding-left: 1rem; }
code, pre { font: .875rem/1.5 ui-monospace, monospace; }
pre { background: var(--soft); padding: .75rem 1rem; border-radius: .5rem; overflow-x: auto; }
details { border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0;
  padding: .6rem 1rem; }
summary { cursor: pointer; }
.method { display: inline-block; min-width: 4.25rem; font-weight: 700; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .75rem .3rem 0;
  border-top: 1px solid var(--line); }
th { white-space: nowrap; font-weight: 600; }
a { color: inherit; }
"""


def readable(document: Mapping[str, Any]) -> str:
    """Render the whole description."""
    return "".join(_page(document))


def _page(document: Mapping[str, Any]) -> Iterator[str]:
    info = document["info"]
    yield "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
    yield "<meta name='viewport' content='width=device-width'>"
    yield f"<title>{escape(info['title'])} API</title>"
    yield "<link rel='stylesheet' href='/api/v1/docs.css'></head><body>"
    yield f"<h1>{escape(info['title'])} API</h1><p>Version {escape(info['version'])}. "
    yield f"{_text(info['description'])}</p>"
    yield "<p>For programs: <a href='/api/v1/openapi.json'>openapi.json</a>.</p><nav><ul>"
    for tag in document["tags"]:
        yield f"<li><a href='#{_anchor(tag['name'])}'>{escape(tag['name'])}</a></li>"
    yield "<li><a href='#objects'>Objects</a></li></ul></nav>"
    for tag in document["tags"]:
        yield f"<h2 id='{_anchor(tag['name'])}'>{escape(tag['name'])}</h2>"
        yield f"<p>{_text(tag['description'])}</p>"
        for path, methods in document["paths"].items():
            for method in _METHODS:
                if tag["name"] in methods.get(method, {}).get("tags", ()):
                    yield from _operation(method, path, methods[method])
    yield "<h2 id='objects'>Objects</h2>"
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield from _object(name, schema)
    yield "</body></html>"


def _operation(method: str, path: str, described: Mapping[str, Any]) -> Iterator[str]:
    yield f"<details id='{escape(described['operationId'])}'><summary>"
    yield f"<span class='method'>{method.upper()}</span> <h3><code>{escape(path)}</code></h3><br>"
    yield f"{_text(described['summary'])}</summary>"
    if "description" in described:
        yield f"<p>{_text(described['description'])}</p>"
    if described["parameters"]:
        yield "<table>"
        for parameter in described["parameters"]:
            need = "" if parameter["required"] else " (may be left out)"
            yield f"<tr><th><code>{escape(parameter['name'])}</code></th><td>{parameter['in']}"
            yield f"{need}. {_text(parameter.get('description', ''))}</td></tr>"
        yield "</table>"
    body = described.get("requestBody", {}).get("content", {}).get("application/json")
    if body is not None:
        yield f"<p>Body: {_schema(body['schema'])}</p>"
        if "example" in body:
            example = msgspec.json.format(msgspec.json.encode(body["example"]), indent=2)
            yield f"<pre>{escape(example.decode())}</pre>"
    yield "<table>"
    for status, response in described["responses"].items():
        yield f"<tr><th>{status}</th><td>{_text(response['description'])}"
        for content in response.get("content", {}).values():
            if "allOf" not in content["schema"]:
                yield f" {_schema(content['schema'])}"
        yield "</td></tr>"
    yield "</table></details>"


def _object(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    told = schema.get("description", "").partition("\n\nAttributes:")[0]
    yield f"<details id='object-{escape(name)}'><summary><h3><code>{escape(name)}</code></h3> "
    yield f"{_text(told)}</summary><table>"
    needed = schema.get("required", ())
    for field, inner in schema.get("properties", {}).items():
        mark = "" if field in needed else " (may be missing)"
        yield f"<tr><th><code>{escape(field)}</code></th><td>{_schema(inner)}{mark} "
        yield f"{_text(inner.get('description', ''))}</td></tr>"
    yield "</table></details>"


def _schema(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f"<a href='#object-{name}'><code>{name}</code></a>"
    if "anyOf" in schema:
        return " or ".join(_schema(inner) for inner in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_schema(schema.get('items', {}))}"
    return escape(str(schema.get("format") or schema.get("type") or "any"))


def _text(text: str) -> str:
    """Escape a sentence; what stands in backquotes becomes code."""
    parts = escape(text).split("`")
    return "".join(
        f"<code>{part}</code>" if index % 2 and index < len(parts) - 1 else part
        for index, part in enumerate(parts)
    )


def _anchor(name: str) -> str:
    return escape(name.lower().replace(" ", "-"))
