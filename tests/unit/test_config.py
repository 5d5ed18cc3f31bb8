"""The configuration itself: its defaults and what follows from it."""

from pathlib import Path

import pytest

from moot.config import Config, Secret, default_data_folder


def test_the_data_folder_follows_the_xdg_rules(monkeypatch) -> None:
    """An absolute XDG_DATA_HOME is used; a relative or missing one means ~/.local/share."""
    monkeypatch.setenv("HOME", "/home-of-ana")
    assert default_data_folder({"XDG_DATA_HOME": "/srv"}) == Path("/srv/moot")
    assert default_data_folder({"XDG_DATA_HOME": "srv"}) == Path("/home-of-ana/.local/share/moot")
    assert default_data_folder({}) == Path("/home-of-ana/.local/share/moot")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        (None, Path("/d/moot.sqlite3")),
        (Secret("sqlite:////srv/x.db"), Path("/srv/x.db")),
        (Secret("sqlite:///srv/x.db"), Path("/srv/x.db")),
        (Secret("postgresql://u:p@machine/name"), None),
    ],
)
def test_the_store_is_a_file_unless_it_is_postgresql(url: Secret | None, path: Path | None) -> None:
    """Without an address the store is a file in the data folder."""
    assert Config(data=Path("/d"), database_url=url).sqlite_path == path


def test_a_configuration_cannot_change() -> None:
    """Nothing changes a setting after the start."""
    config = Config(data=Path("/d"))
    with pytest.raises(AttributeError):
        config.port = 1  # type: ignore[misc]
