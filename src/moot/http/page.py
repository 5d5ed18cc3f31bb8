"""The page: files read once from the built folder, and nothing that is not in it.

A request can name a file only by its exact address in a fixed map, so there is no path to traverse.
"""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from moot.errors import Problem
from moot.gate.address import Proxies
from moot.gate.origin import Origins, websocket_base
from moot.http.headers import EVERYWHERE, Headers, page_headers
from moot.http.request import read_headers, read_path
from moot.model.ids import parse_meeting_id

_IMMUTABLE: Final = b"public, max-age=31536000, immutable"
_CHECKED: Final = b"no-cache"
_INDEX: Final = "/index.html"
_TYPES: Final = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".json": "application/json",
    ".map": "application/json",
    ".webmanifest": "application/manifest+json",
    ".wasm": "application/wasm",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".tflite": "application/octet-stream",
}
_PACKED: Final = ".gz"
"""What the build adds to the name of a file for its content in gzip, where that is smaller."""

_UNBUILT: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>moot</title>
<h1>The page is not built yet</h1>
<p>moot runs, and its API answers at <a href="/api/v1/docs">/api/v1/docs</a>. To get the page, run
<code>make build</code> in the project's folder, then start moot again.</p></html>
"""


class File(msgspec.Struct, frozen=True):
    """One file as it is sent.

    Attributes:
        packed: its content in gzip, None where that saves nothing.
        is_hashed: its name changes with its content, so it may be kept for ever.
    """

    content: bytes
    packed: bytes | None
    media_type: str
    etag: str
    is_hashed: bool


def read_files(folder: Path) -> dict[str, File]:
    """Read every file of the built page by its address; nothing if it is not built.

    Packing is the build's work: here every start would do it again.
    """
    files: dict[str, File] = {}
    if not (folder / "index.html").is_file():
        return files
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.suffix != _PACKED:
            address = "/" + path.relative_to(folder).as_posix()
            files[address] = _file(path, is_hashed=address.startswith("/assets/"))
    return files


def _file(path: Path, *, is_hashed: bool) -> File:
    content = path.read_bytes()
    suffix = path.suffix.lower()
    media_type = _TYPES.get(suffix) or mimetypes.guess_type(path.name)[0]
    if media_type is not None and media_type.startswith("text/"):
        media_type += "; charset=utf-8"
    packed = path.with_name(path.name + _PACKED)
    return File(
        content,
        packed.read_bytes() if packed.is_file() and not packed.is_symlink() else None,
        media_type or "application/octet-stream",
        f'"{hashlib.sha256(content).hexdigest()[:24]}"',
        is_hashed,
    )


class Page:
    """Answers every request that is for nobody else: the page's files and its one document.

    Args:
        files: by address, from `read_files`.
        connects: origins the page connects to beside its own (a LiveKit deployment).
        embedders: origins that may frame the page.
    """

    def __init__(
        self,
        files: Mapping[str, File],
        *,
        origins: Origins,
        proxies: Proxies,
        connects: tuple[str, ...],
        embedders: tuple[str, ...],
    ) -> None:
        self._files = files
        self._origins = origins
        self._proxies = proxies
        self._connects = connects
        self._embedders = embedders

    async def __call__(self, scope: dict[str, Any], _receive: Any, send: Any) -> None:
        """Answer one request (ASGI, HTTP)."""
        headers = read_headers(scope["headers"])
        peer = scope["client"][0] if scope["client"] else ""
        told = headers.get("x-forwarded-proto", "")
        scheme = self._proxies.scheme(peer, scope["scheme"], told)
        own = self._origins.own(scheme, headers.get("host", ""))
        is_head = scope["method"] == "HEAD"
        if own is None:
            await _text(send, Problem("host_unknown"), (), is_head=is_head)
        elif scope["method"] not in ("GET", "HEAD"):
            allow = (b"allow", b"GET, HEAD")
            await _text(send, Problem("method_not_allowed"), (allow,), is_head=False)
        else:
            await self._answer(scope, headers, own, send)

    async def _answer(
        self, scope: dict[str, Any], headers: Mapping[str, str], own: str, send: Any
    ) -> None:
        is_head = scope["method"] == "HEAD"
        try:
            parts = read_path(scope["raw_path"])
        except Problem as problem:
            await _text(send, problem, (), is_head=is_head)
            return
        address = "/" + "/".join(parts)
        file = self._files.get(address)
        status = 200
        if file is None or address == _INDEX:
            file = self._files.get(_INDEX)
            if len(parts) != 1:
                await _text(send, Problem("route_not_found"), (), is_head=is_head)
                return
            if parts[0] and address != _INDEX and not _may_be_meeting(parts[0]):
                status = 404
            if file is None:
                await _send(send, 503, _UNBUILT.encode(), self._document(own), is_head=is_head)
                return
        is_document = file.media_type.startswith("text/html")
        base = self._document(own) if is_document else (*EVERYWHERE, _same_site(file))
        await _send_file(send, status, file, headers, base, is_head=is_head)

    def _document(self, own: str) -> Headers:
        """Make the document's headers. Older browsers do not count `ws:` as 'self': it is named."""
        connects = (websocket_base(own), *self._connects)
        return (
            *page_headers(connects, self._embedders),
            (b"content-type", b"text/html; charset=utf-8"),
        )


def _same_site(file: File) -> tuple[bytes, bytes]:
    return (b"content-type", file.media_type.encode())


def _may_be_meeting(text: str) -> bool:
    try:
        parse_meeting_id(text)
    except Problem:
        return False
    return True


async def _send_file(
    send: Any, status: int, file: File, headers: Mapping[str, str], base: Headers, *, is_head: bool
) -> None:
    kept = _IMMUTABLE if file.is_hashed else _CHECKED
    more: list[tuple[bytes, bytes]] = [
        *base,
        (b"etag", file.etag.encode()),
        (b"cache-control", kept),
        (b"cross-origin-resource-policy", b"same-origin"),
    ]
    content = file.content
    if file.packed is not None:
        more.append((b"vary", b"Accept-Encoding"))
        if "gzip" in headers.get("accept-encoding", ""):
            content = file.packed
            more.append((b"content-encoding", b"gzip"))
    if status == 200 and file.etag in headers.get("if-none-match", ""):
        await send({"type": "http.response.start", "status": 304, "headers": more})
        await send({"type": "http.response.body", "body": b""})
        return
    await _send(send, status, content, tuple(more), is_head=is_head)


async def _text(send: Any, problem: Problem, more: Headers, *, is_head: bool) -> None:
    content = f"{problem.sentence}\n{problem.kind.cure}\n".encode()
    headers = (
        *EVERYWHERE,
        (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"cache-control", b"no-store"),
        *more,
    )
    await _send(send, problem.kind.status, content, headers, is_head=is_head)


async def _send(send: Any, status: int, content: bytes, headers: Headers, *, is_head: bool) -> None:
    length = (b"content-length", str(len(content)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": b"" if is_head else content})
