"""Frames made once (RFC 6455 §5.2)."""

import pytest
from tests.unit.frames import read_frames
from websockets.frames import Opcode

from moot.wire import _kept, binary_frame, text_frame


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_frame_is_what_a_client_reads(size):
    """Every length form is one final, unmasked frame with the whole message."""
    text = "é" * (size // 2) + "x" * (size % 2)
    (read,) = read_frames(text_frame(text))
    assert (read.opcode, read.fin, read.data) == (Opcode.TEXT, True, text.encode())
    payload = bytes(size)
    (read,) = read_frames(binary_frame(payload))
    assert (read.opcode, read.fin, read.data) == (Opcode.BINARY, True, payload)


def test_small_frames_are_made_once_and_large_ones_are_not_kept():
    """Two hundred watchers share the bytes of one event; snapshots do not pile up in memory."""
    text = '{"type":"event","event_seq":1}'
    assert text_frame(text) is text_frame(str(text))
    before = _kept.cache_info().currsize
    text_frame("x" * 100_000)
    assert _kept.cache_info().currsize == before
