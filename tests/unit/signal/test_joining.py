"""Both ways to ask for a connection are read, and nothing else is."""

from __future__ import annotations

import gzip
import zlib
from base64 import b64encode, urlsafe_b64encode

import pytest
from livekit.protocol import rtc

from moot.signal.joining import (
    QUERY_LIMIT,
    UNPACKED_LIMIT,
    JoinInvalid,
    read_query,
    read_wish,
)

GZIP = rtc.WrappedJoinRequest.Compression.GZIP


def packed(request: rtc.JoinRequest, *, is_zipped: bool = True) -> str:
    body = request.SerializeToString()
    wrapped = rtc.WrappedJoinRequest(
        compression=GZIP if is_zipped else rtc.WrappedJoinRequest.Compression.NONE,
        join_request=gzip.compress(body) if is_zipped else body,
    )
    return urlsafe_b64encode(wrapped.SerializeToString()).decode().rstrip("=")


REQUEST = rtc.JoinRequest(
    client_info={"client_protocol": 2, "capabilities": [1]},
    connection_settings={"auto_subscribe": True},
    add_track_requests=[{"cid": "cam", "type": "VIDEO"}],
    publisher_offer={"type": "offer", "sdp": "v=0", "id": 1},
)


def test_the_older_dialect_is_read_from_parameters() -> None:
    """MEDIA-2: `/rtc` with two transports, as the Go and older SDKs ask for it."""
    query = read_query(b"version=2.18.1&protocol=17&&auto_subscribe=0&sdk=go&client_protocol=1")
    wish = read_wish(query, is_packed=False)
    assert wish.connection.mode == "dual"
    assert not wish.connection.wants_everything
    assert wish.connection.client_protocol == 1
    assert wish.resumes == ""
    assert read_wish({}, is_packed=False).connection.wants_everything


@pytest.mark.parametrize("is_zipped", [True, False])
def test_the_newer_dialect_is_unpacked(*, is_zipped: bool) -> None:
    """MEDIA-2: `/rtc/v1` with one transport, its first offer and its tracks."""
    wish = read_wish({"join_request": packed(REQUEST, is_zipped=is_zipped)}, is_packed=True)
    assert wish.connection.mode == "single"
    assert wish.connection.wants_everything
    assert wish.connection.capabilities == (1,)
    assert [announced.cid for announced in wish.announcements] == ["cam"]
    assert wish.offer is not None
    assert wish.offer.sdp == "v=0"
    assert wish.sync_state is None


def test_standard_base64_is_read_too() -> None:
    """Some SDKs pack with `+` and `/`, and with padding."""
    wrapped = rtc.WrappedJoinRequest(join_request=REQUEST.SerializeToString())
    text = b64encode(wrapped.SerializeToString() + b"").decode()
    assert read_wish({"join_request": text}, is_packed=False).connection.mode == "single"


def test_both_dialects_resume() -> None:
    """JOIN-4: a client that lost its socket names the connection it carries on."""
    assert read_wish({"reconnect": "1", "sid": "PA_x"}, is_packed=False).resumes == "PA_x"
    assert read_wish({"reconnect": "0", "sid": "PA_x"}, is_packed=False).resumes == ""
    request = rtc.JoinRequest(
        reconnect=True, participant_sid="PA_x", sync_state={"track_sids_disabled": ["TR_x"]}
    )
    wish = read_wish({"join_request": packed(request)}, is_packed=True)
    assert wish.resumes == "PA_x"
    assert wish.sync_state is not None


BOMB = rtc.WrappedJoinRequest(
    compression=GZIP, join_request=gzip.compress(b"\0" * (UNPACKED_LIMIT + 1))
).SerializeToString()
CUT = rtc.WrappedJoinRequest(
    compression=GZIP, join_request=gzip.compress(REQUEST.SerializeToString())[:-9]
).SerializeToString()
RAW = rtc.WrappedJoinRequest(compression=GZIP, join_request=zlib.compress(b"x")).SerializeToString()


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"join_request": "%%%"},
        {"join_request": "a"},
        {"join_request": "é"},
        {"join_request": urlsafe_b64encode(b"\xff\xff\xff").decode()},
        {"join_request": urlsafe_b64encode(BOMB).decode()},
        {"join_request": urlsafe_b64encode(CUT).decode()},
        {"join_request": urlsafe_b64encode(RAW).decode()},
        {"join_request": packed(rtc.JoinRequest(reconnect=True))},
    ],
)
def test_what_cannot_be_read_is_refused(query: dict[str, str]) -> None:
    """ERR-1: malformed, cut or bursting requests are refused with a sentence."""
    with pytest.raises(JoinInvalid) as refused:
        read_wish(query, is_packed=True)
    assert refused.value.sentence


@pytest.mark.parametrize("raw", [b"a" * (QUERY_LIMIT + 1), b"a=\xff", b"&".join([b"a=1"] * 99)])
def test_a_query_that_is_no_query_is_refused(raw: bytes) -> None:
    """ERR-1: a query beyond any client's is refused before it costs anything."""
    with pytest.raises(JoinInvalid):
        read_query(raw)


def test_reconnect_without_a_name_is_refused() -> None:
    """ERR-1: resuming needs the sid of what is resumed."""
    with pytest.raises(JoinInvalid):
        read_wish({"reconnect": "1"}, is_packed=False)


@pytest.mark.parametrize("text", ["x", "-1", "²", "123456", "1.5"])
def test_numbers_that_are_none_count_as_absent(text: str) -> None:
    """A strange `client_protocol` is no reason to refuse a client."""
    wish = read_wish({"client_protocol": text, "capabilities": text}, is_packed=False)
    assert wish.connection.client_protocol == 0
    assert wish.connection.capabilities == ()
