"""Frames made once (RFC 6455 §5.2)."""

import pytest
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from moot.realtime.wire import _kept, frame


def parse(data: bytes) -> Frame:
    reader = StreamReader()
    reader.feed_data(data)
    parser = Frame.parse(reader.read_exact, mask=False)
    with pytest.raises(StopIteration) as done:
        next(parser)
    return done.value.value


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_frame_is_what_a_client_reads(size):
    """Every length form is one final, unmasked text frame with the whole message."""
    text = "é" * (size // 2) + "x" * (size % 2)
    read = parse(frame(text))
    assert (read.opcode, read.fin, read.data) == (Opcode.TEXT, True, text.encode())


def test_small_frames_are_made_once_and_large_ones_are_not_kept():
    """Two hundred watchers share the bytes of one event; snapshots do not pile up in memory."""
    text = '{"type":"event","event_seq":1}'
    assert frame(text) is frame(str(text))
    before = _kept.cache_info().currsize
    frame("x" * 100_000)
    assert _kept.cache_info().currsize == before
