"""The documents that are made from the code say what the code says."""

import pytest
from scripts import docs


def test_generated_documents_are_fresh() -> None:
    """`make docs` would change nothing."""
    assert docs.stale() == []


def test_a_changed_document_is_called_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document that says something else is named."""
    page = docs.ROOT / "docs/errors.md"
    monkeypatch.setattr(docs, "pages", lambda: {page: "something else"})
    assert docs.stale() == ["docs/errors.md"]
