"""The page's files and headers."""

import gzip

import pytest

from moot.gate.address import Proxies
from moot.gate.origin import Origins
from moot.http.page import Page, read_files

INDEX = "<!doctype html><title>moot</title>" + "<p>x</p>" * 500


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "page/assets").mkdir(parents=True)
    (tmp_path / "page/index.html").write_text(INDEX)
    (tmp_path / "page/index.html.gz").write_bytes(gzip.compress(INDEX.encode()))
    (tmp_path / "page/assets/app-1a2b.js").write_text("let a = 1;" * 500)
    (tmp_path / "page/assets/blur-9.wasm").write_bytes(b"\0asm" * 500)
    (tmp_path / "page/sw.js").write_text("self.x = 1;")
    (tmp_path / "page/manifest.webmanifest").write_text("{}")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "page/link.txt").symlink_to(tmp_path / "secret.txt")
    return tmp_path / "page"


def page(files, connects=(), embedders=()):
    return Page(
        files,
        origins=Origins(None, [], []),
        proxies=Proxies([]),
        connects=connects,
        embedders=embedders,
    )


async def ask(app, path, method="GET", **headers):
    given = {"host": "localhost:3000"} | {n.replace("_", "-"): v for n, v in headers.items()}
    sent = []

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "headers": [(n.encode(), v.encode()) for n, v in given.items()],
        "client": ("127.0.0.1", 1),
    }
    await app(scope, None, send)
    named = {n.decode(): v.decode() for n, v in sent[0]["headers"]}
    return sent[0]["status"], named, sent[1]["body"]


@pytest.mark.parametrize("path", ["/", "/ABC-123", "/abc%20123", "/index.html"])
async def test_document_is_served_for_home_and_every_meeting(folder, path):
    """A link to a meeting opens the page; it is checked for news each time."""
    status, headers, content = await ask(page(read_files(folder)), path)
    assert (status, content.decode()) == (200, INDEX)
    assert headers["cache-control"] == "no-cache"
    assert headers["content-type"] == "text/html; charset=utf-8"


async def test_hashed_assets_are_kept_for_ever_and_nothing_else_is(folder):
    """A new build has new names; the service worker and the manifest have not."""
    app = page(read_files(folder))
    assert "immutable" in (await ask(app, "/assets/app-1a2b.js"))[1]["cache-control"]
    for path in ("/sw.js", "/manifest.webmanifest", "/"):
        assert (await ask(app, path))[1]["cache-control"] == "no-cache"
    assert (await ask(app, "/assets/app-1a2b.js"))[1]["content-type"].startswith("text/javascript")
    assert (await ask(app, "/assets/blur-9.wasm"))[1]["content-type"] == "application/wasm"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/..%2fsecret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "//etc/passwd",
        "/assets/",
        "/assets",
        "/link.txt",
        "/a/b",
        "/%ff",
        "/assets/app-1a2b.js/",
        "/assets%00/app-1a2b.js",
    ],
)
async def test_nothing_outside_the_map_is_served(folder, path):
    """No path leads to a file that was not read at the start, not even through a link."""
    status, _, content = await ask(page(read_files(folder)), path)
    assert b"secret" not in content
    assert status in (200, 400, 404)
    if status == 200:
        assert content.decode() == INDEX


async def test_policy_lets_the_page_do_its_work_and_no_more(folder):
    """The policy of the document: own scripts only, WebAssembly, Trusted Types, no frames."""
    _, headers, _ = await ask(page(read_files(folder), ("wss://lk.example",)), "/")
    policy = dict(
        part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert policy["style-src"] == "'self'"
    assert policy["connect-src"] == "'self' ws://localhost:3000 wss://lk.example"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert "unsafe-inline" not in headers["content-security-policy"]
    assert "camera=(self)" in headers["permissions-policy"]
    assert "geolocation=()" in headers["permissions-policy"]
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


async def test_only_listed_pages_may_frame_the_page(folder):
    """Clickjacking: an embedder is named exactly or there is none."""
    app = page(read_files(folder), embedders=("https://school.example",))
    policy = (await ask(app, "/"))[1]["content-security-policy"]
    assert "frame-ancestors https://school.example;" in policy


async def test_unchanged_files_are_304_and_large_ones_are_packed(folder):
    """The page opens fast the second time, and with few bytes the first."""
    app = page(read_files(folder))
    _, headers, content = await ask(app, "/", accept_encoding="br, gzip")
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(content).decode() == INDEX
    assert headers["vary"] == "Accept-Encoding"
    status, _, content = await ask(app, "/", if_none_match=headers["etag"])
    assert (status, content) == (304, b"")
    assert (await ask(app, "/index.html.gz"))[0] == 404
    assert "content-encoding" not in (await ask(app, "/sw.js", accept_encoding="gzip"))[1]


async def test_head_has_no_content_and_other_methods_are_405(folder):
    """The page is read, never written."""
    app = page(read_files(folder))
    status, headers, content = await ask(app, "/", "HEAD")
    assert (status, content) == (200, b"")
    assert int(headers["content-length"]) == len(INDEX)
    status, headers, _ = await ask(app, "/", "POST")
    assert (status, headers["allow"]) == (405, "GET, HEAD")


async def test_foreign_host_gets_a_sentence_not_the_page(folder):
    """DNS rebinding: the page is not shown under a name that is not ours."""
    status, _, content = await ask(page(read_files(folder)), "/", host="evil.example")
    assert status == 421
    assert b"public_url" in content


async def test_unbuilt_page_says_what_to_do(tmp_path):
    """Whoever starts moot without the page is told the one command that makes it."""
    status, _, content = await ask(page(read_files(tmp_path)), "/")
    assert status == 503
    assert b"make build" in content
