"""The doctor: each thing that would keep moot from working is named with its cure."""

import socket
from pathlib import Path

import pytest

from moot import doctor
from moot.config import Config, Secret
from moot.doctor import Finding, examine
from moot.operate import migrate


def config(tmp_path: Path, **settings) -> Config:
    return Config(**{"data": tmp_path / "data", "media": "fake", "port": 0, **settings})


def found(findings: list[Finding], subject: str) -> list[Finding]:
    return [finding for finding in findings if finding.subject == subject]


async def test_a_working_machine_has_nothing_broken_but_what_is_not_built(tmp_path) -> None:
    """On a fresh folder everything is fine; only the page may be missing from a source tree."""
    findings = await examine(config(tmp_path))
    assert {finding.subject for finding in findings if finding.is_broken} <= {"page"}
    assert {"python", "data folder", "secret", "web port", "clock", "database", "bus"} <= {
        finding.subject for finding in findings
    }


def test_a_line_says_state_subject_sentence_and_cure() -> None:
    """One finding is one line that a person can act on."""
    finding = Finding("broken", "web port", "TCP 3000 is taken.", "choose another.")
    assert finding.line == "broken  web port: TCP 3000 is taken. Cure: choose another."
    assert not Finding("note", "x", "y.").is_broken


async def test_a_taken_web_port_is_broken(tmp_path) -> None:
    """A port that another program has is named, with the cure."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        (finding,) = found(await examine(config(tmp_path, port=port)), "web port")
    assert finding.is_broken
    assert str(port) in finding.sentence
    assert "--port" in finding.cure


@pytest.mark.parametrize(
    ("given", "state"), [(frozenset(), "note"), (frozenset({"media_port"}), "broken")]
)
async def test_a_taken_media_port_is_broken_only_if_somebody_chose_it(
    tmp_path, given, state
) -> None:
    """The default media port gives way to the next free one; a chosen one does not."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", 0))
        settings = config(tmp_path, media="builtin", media_port=other.getsockname()[1], given=given)
        (finding,) = found(await examine(settings), "media port")
    assert finding.state == state


async def test_a_store_of_this_version_answers(tmp_path) -> None:
    """A store that has been brought up to date is fine; one without the schema is noted."""
    settings = config(tmp_path)
    await migrate(settings)
    (finding,) = found(await examine(settings), "database")
    assert (finding.state, "answers in" in finding.sentence) == ("fine", True)
    empty = config(tmp_path, data=tmp_path / "empty")
    empty.data.mkdir(mode=0o700)
    (empty.data / "moot.sqlite3").touch()
    (finding,) = found(await examine(empty), "database")
    assert (finding.state, "moot migrate" in finding.cure) == ("note", True)


async def test_a_folder_that_is_a_file_is_broken(tmp_path) -> None:
    """A data folder that cannot be made breaks folder, secret and database, each in a sentence."""
    (tmp_path / "file").touch()
    findings = await examine(config(tmp_path, data=tmp_path / "file"))
    for subject in ("data folder", "secret", "database"):
        (finding,) = found(findings, subject)
        assert finding.is_broken, subject


async def test_a_folder_that_others_may_see_is_noted(tmp_path) -> None:
    """A folder open to others still works, and is noted."""
    (tmp_path / "data").mkdir(mode=0o755)
    first, second = found(await examine(config(tmp_path)), "data folder")
    assert (first.state, second.state) == ("fine", "note")
    assert "chmod 700" in second.cure


async def test_sqlite_on_a_network_file_system_is_broken(tmp_path, monkeypatch) -> None:
    """SQLite on NFS is refused; PostgreSQL with the same folder is not."""
    monkeypatch.setattr(doctor, "_file_system", lambda _: "nfs4")
    findings = await examine(config(tmp_path))
    assert any(finding.is_broken for finding in found(findings, "data folder"))


def test_the_file_system_of_a_folder_is_found(tmp_path) -> None:
    """Every folder of a Linux machine lies on some file system."""
    assert doctor._file_system(tmp_path) != ""
    assert doctor._file_system(Path("/proc/self")) == "proc"


async def test_a_bus_that_does_not_answer_is_a_note(tmp_path) -> None:
    """Without Redis nothing is lost, so its absence does not break a start."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    settings = config(tmp_path, bus_url=Secret(f"redis://127.0.0.1:{port}/0"))
    (finding,) = found(await examine(settings), "bus")
    assert finding.state == "note"
    assert "MOOT_BUS_URL" in finding.cure


async def test_a_livekit_that_does_not_answer_is_broken(tmp_path) -> None:
    """A LiveKit deployment that is away means no media at all."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    settings = config(tmp_path, media="livekit", livekit_url=f"ws://127.0.0.1:{port}")
    (finding,) = found(await examine(settings), "livekit")
    assert finding.is_broken
    assert "MOOT_LIVEKIT_URL" in finding.cure


async def test_a_database_that_does_not_answer_is_broken(tmp_path) -> None:
    """An unreachable PostgreSQL is a sentence, and shows no password."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    url = Secret(f"postgresql://ana:hunter2@127.0.0.1:{port}/moot")
    findings = await examine(config(tmp_path, database_url=url))
    (finding,) = found(findings, "database")
    assert finding.is_broken
    assert "hunter2" not in finding.line


def test_small_buffers_are_noted_with_the_command(tmp_path, monkeypatch) -> None:
    """Kernel limits below what the media core asks for are noted, with the sysctl to raise them."""
    monkeypatch.setattr(doctor, "_number", lambda _: 212_992)
    (finding,) = doctor._socket_buffers(config(tmp_path, media="builtin"))
    assert finding.state == "note"
    assert "sysctl -w net.core.rmem_max=4194304 net.core.wmem_max=4194304" in finding.cure


def test_few_descriptors_are_noted(tmp_path, monkeypatch) -> None:
    """Each tab needs a descriptor; a low limit is noted before it is reached."""
    monkeypatch.setattr(doctor.resource, "getrlimit", lambda _: (1_024, 4_096))
    (finding,) = doctor._descriptors(config(tmp_path))
    assert finding.state == "note"
    assert "4096" in finding.sentence
