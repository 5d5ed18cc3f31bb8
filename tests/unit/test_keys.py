"""The secret of an installation: made once, kept to its owner, the same for every process."""

import stat
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from moot.config import Config, Secret
from moot.keys import SecretUnreadable, load_keys


def cookie_key(folder: str) -> bytes:
    return load_keys(Config(data=Path(folder))).guest_cookie


def test_the_secret_is_made_once_and_kept_to_its_owner(tmp_path) -> None:
    """PERSON-1: the first start makes the secret, later ones read it; nobody else may."""
    config = Config(data=tmp_path / "a" / "b")
    first = load_keys(config)
    assert load_keys(config).guest_cookie == first.guest_cookie
    (secret,) = (tmp_path / "a" / "b").iterdir()
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert stat.S_IMODE(secret.parent.stat().st_mode) == 0o700


def test_two_installations_have_different_keys(tmp_path) -> None:
    """PERSON-1: a cookie of one installation is worth nothing at another."""
    assert cookie_key(str(tmp_path / "a")) != cookie_key(str(tmp_path / "b"))


def test_processes_that_start_at_once_agree(tmp_path) -> None:
    """PERSON-1: eight processes that race for the first start get one secret, in one file."""
    with ProcessPoolExecutor(8, mp_context=get_context("fork")) as pool:
        keys = set(pool.map(cookie_key, [str(tmp_path)] * 32))
    assert len(keys) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]


def test_a_given_secret_needs_no_folder(tmp_path) -> None:
    """MOOT_SECRET is the same for several machines and touches no disk."""
    config = Config(data=tmp_path / "none", secret=Secret("s" * 32))
    assert load_keys(config).guest_cookie == load_keys(config).guest_cookie
    assert not (tmp_path / "none").exists()


def test_a_secret_that_others_may_read_is_refused(tmp_path) -> None:
    """A secret that others may have read is one no more."""
    config = Config(data=tmp_path)
    load_keys(config)
    (tmp_path / "secret").chmod(0o644)
    with pytest.raises(SecretUnreadable, match="chmod 600"):
        load_keys(config)


@pytest.mark.parametrize("text", ["", "short\n", "\xff" * 8])
def test_a_damaged_secret_is_refused(tmp_path, text: str) -> None:
    """An empty or cut file does not become an empty key."""
    file = tmp_path / "secret"
    file.write_text(text, encoding="latin-1")
    file.chmod(0o600)
    with pytest.raises(SecretUnreadable, match="does not hold a secret"):
        load_keys(Config(data=tmp_path))


def test_a_folder_that_cannot_be_made_is_named(tmp_path) -> None:
    """A data folder in place of a file is one sentence with the cure."""
    (tmp_path / "file").touch()
    with pytest.raises(SecretUnreadable, match="--data"):
        load_keys(Config(data=tmp_path / "file" / "folder"))


def test_each_purpose_has_a_key_of_its_own(tmp_path) -> None:
    """No key is used for two things, and none is shown."""
    keys = load_keys(Config(data=tmp_path))
    derived = {keys.guest_cookie, keys.derive("a"), keys.derive("b"), keys.derive("guest cookie v")}
    assert len(derived) == 4
    assert all(len(key) == 32 for key in derived)
    secret = (tmp_path / "secret").read_text().strip()
    assert secret not in repr(keys) + str(keys.media_api_secret) + keys.media_api_key
    assert keys.media_api_secret.reveal() not in repr(keys)
    assert keys.media_api_key.startswith("MOOT")
