"""Which engine the settings build, and which doors it opens."""

from pathlib import Path

import pytest

import moot._media
from moot.config import Config, Secret
from moot.engine import build_engine
from moot.keys import Keys
from moot.listen import AddressUnusable

KEYS = Keys(Secret("a secret for tests only, 32 characters"))


def build(said=None, **settings):
    config = Config(data=Path("/nonexistent"), **settings)
    return build_engine(config, KEYS, (said if said is not None else []).append)


def test_fake_engine_opens_no_door():
    """MEDIA-2: the fake engine carries nothing, and answers nowhere."""
    engine = build(media="fake")
    assert engine.door("/rtc") is None
    assert engine.door("/api/v1/config") is None


def test_builtin_engine_speaks_livekits_dialect():
    """MEDIA-2: LiveKit's SDKs find signalling and the room API at the addresses they know."""
    engine = build(media="builtin")
    for path in ("/rtc", "/rtc/v1", "/rtc/validate", "/twirp/livekit.RoomService/ListRooms"):
        assert engine.door(path) is not None
    assert engine.door("/api/v1/config") is None
    assert engine.door("/rtcx") is None


@pytest.mark.parametrize(
    ("url", "connects"),
    [
        ("wss://lk.example", ("https://lk.example", "wss://lk.example")),
        ("http://127.0.0.1:7880", ("http://127.0.0.1:7880", "ws://127.0.0.1:7880")),
    ],
)
def test_livekit_takes_webhooks_and_may_be_connected_to(url, connects):
    """MEDIA-2: the page may open LiveKit's own address, in the scheme it has."""
    engine = build(
        media="livekit",
        livekit_url=url,
        livekit_api_key="key",
        livekit_api_secret=Secret("s" * 32),
    )
    assert engine.connects == connects
    assert engine.door("/livekit/webhook") is not None


async def test_taken_default_port_makes_room_and_says_so(monkeypatch):
    """Several `moot serve` run beside each other: the next free media port is taken, and named."""
    tried = []

    def core(config):
        tried.append(config)
        if len(tried) < 3:
            raise OSError("taken")
        raise RuntimeError("opened")

    monkeypatch.setattr(moot._media, "Engine", core)
    monkeypatch.setattr(moot._media, "EngineConfig", lambda **given: given["udp_port"])
    said = []
    with pytest.raises(RuntimeError):
        await build(said, media="builtin").media.start()
    assert len(set(tried)) == 3
    monkeypatch.setattr(moot._media, "Engine", lambda _: (_ for _ in ()).throw(OSError("taken")))
    with pytest.raises(AddressUnusable, match="--media-port"):
        await build(media="builtin", media_port=4444, given=frozenset({"media_port"})).media.start()


@pytest.mark.parametrize(("persons", "most"), [(10, 200), (150, 300), (10_000, 500)])
async def test_one_may_receive_as_many_tracks_as_a_full_meeting_has(monkeypatch, persons, most):
    """MEDIA-1: the core's limit on subscriptions follows the size of meetings, within its bound."""
    opened = []
    made = moot._media.EngineConfig

    def note(**given):
        opened.append(given["max_subscriptions_per_connection"])
        return made(**given)

    def stop(_):
        raise RuntimeError("opened")

    monkeypatch.setattr(moot._media, "EngineConfig", note)
    monkeypatch.setattr(moot._media, "Engine", stop)
    with pytest.raises(RuntimeError):
        await build(media="builtin", max_participants=persons).media.start()
    assert opened == [most]
