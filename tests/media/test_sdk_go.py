"""LiveKit's own tests of its SDK for Go pass against moot."""

from __future__ import annotations

import re

import pytest
from tests.sdk_go import suite

TESTS = [
    "TestJoin",
    "TestJoinError",
    "TestJoinSinglePeerConnection",
    "TestPublishDTMF",
    "TestPublishRequiresSinglePC",
    "TestPubSub",
    "TestResume",
    "TestSubscribeMutedTrack",
    "TestLimitPayloadSize",
    "TestPublishTrackMimeType",
    "TestE2EE_H264RoundTrip",
    "TestDynacastRepublish",
]
"""All that need a server, but for two: `TestForceTLS` wants a TURN server beside it, and
`TestSimulcastCodec` one picture in two codecs at once, which moot does not carry."""
pytestmark = [pytest.mark.livekit, pytest.mark.timeout(1500)]


@pytest.mark.parametrize("server", ["moot", "livekit"])
def test_the_tests_of_the_sdk_for_go_pass(server: str) -> None:
    """MEDIA-1, MEDIA-2: a client that shares no code with the others is content."""
    suite.build()
    told = suite.play(server, TESTS)
    results = {
        name: result for result, name in re.findall(r"^--- (\w+): (\w+)", told, re.MULTILINE)
    }
    # The SDK logs every candidate that it cannot reach: what failed would drown in that.
    words = [line for line in told.splitlines() if '"level"=' not in line]
    assert results == dict.fromkeys(TESTS, "PASS"), "\n".join(words)[-12_000:]
