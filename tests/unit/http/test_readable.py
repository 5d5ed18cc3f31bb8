"""The documents for people."""

from html.parser import HTMLParser

from tests.unit.http.world import OPERATIONS

from moot.http.openapi import document
from moot.http.readable import readable


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []
        self.links = []
        self.ids = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        self.links += [given[name] for name in ("href", "src") if name in given]
        self.ids += [given["id"]] if "id" in given else []
        assert not any(name.startswith("on") or name == "style" for name in given)


def test_page_has_no_script_and_nothing_from_elsewhere():
    """The strict policy of the page holds: no script, no inline style, no foreign host."""
    reader = Reader()
    reader.feed(readable(document(OPERATIONS, "0.test")))
    assert not {"script", "style", "iframe", "img", "form"} & set(reader.tags)
    assert all(link.startswith(("#", "/api/v1/")) for link in reader.links)
    assert {link[1:] for link in reader.links if link[0] == "#"} <= set(reader.ids)
    assert len(set(reader.ids)) == len(reader.ids)


def test_page_shows_every_operation():
    """Whoever reads the page has read the whole API."""
    page = readable(document(OPERATIONS, "0.test"))
    for operation in OPERATIONS:
        assert f"id='{operation.id}'" in page


def test_text_is_escaped():
    """Sentences are text, not markup."""
    described = document(OPERATIONS, "<script>")
    assert "<script>" not in readable(described)
