"""WebSocket frames read back, as a client would."""

from __future__ import annotations

import pytest
from websockets.frames import Frame
from websockets.streams import StreamReader


def read_frames(data: bytes) -> list[Frame]:
    """Read all frames of a server; none of them is masked (RFC 6455 §5.1)."""
    reader = StreamReader()
    reader.feed_data(data)
    frames = []
    while reader.buffer:
        with pytest.raises(StopIteration) as done:
            next(Frame.parse(reader.read_exact, mask=False))
        frames.append(done.value.value)
    return frames
