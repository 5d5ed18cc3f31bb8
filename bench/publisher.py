"""People who are in a meeting already and send small pictures and speech, as programs on LiveKit's
Python SDK: real VP8 that answers a request for a key frame as a browser does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import numpy as np
from tests.programs.person import Person
from tests.programs.server import Server

from livekit import rtc

CONNECT_WITHIN_S = 30.0
_RATE_HZ = 48_000
_STRIPE = 16
"""Rows of the bar that moves over a picture, so that it is never still."""


async def _show(source: rtc.VideoSource, size: tuple[int, int], fps: int, hue: int) -> None:
    width, height = size
    chroma = bytes([hue % 256]) * (width * height // 4) + b"\x80" * (width * height // 4)
    number = 0
    while True:
        luma = np.full((height, width), 80, np.uint8)
        top = number * 4 % (height - _STRIPE)
        luma[top : top + _STRIPE] = 200
        source.capture_frame(
            rtc.VideoFrame(width, height, rtc.VideoBufferType.I420, luma.tobytes() + chroma)
        )
        number += 1
        await asyncio.sleep(1 / fps)


async def _speak(source: rtc.AudioSource, turn: int, turns: int, turn_s: float) -> None:
    """Hiss while it is this one's turn, and be silent while it is another's."""
    chance = np.random.default_rng(turn)
    size = _RATE_HZ // 100
    begun = asyncio.get_running_loop().time()
    while True:
        now = int((asyncio.get_running_loop().time() - begun) / turn_s)
        loud = 8_000 if now % turns == turn else 0
        samples = (chance.standard_normal(size) * loud / 3).clip(-32_000, 32_000).astype(np.int16)
        await source.capture_frame(rtc.AudioFrame(samples.tobytes(), _RATE_HZ, 1, size))


@asynccontextmanager
async def publisher(
    url: str,
    token: str,
    *,
    size: tuple[int, int],
    fps: int,
    hue: int = 0,
    turn: int | None = None,
    turns: int = 1,
    turn_s: float = 2.0,
) -> AsyncIterator[None]:
    """Join a media server and publish until the end.

    Args:
        url: where LiveKit's signalling is spoken.
        token: who joins which room.
        size: width and height of the picture in pixels, both even.
        fps: pictures a second.
        hue: 0 to 255, so that pictures differ.
        turn: of the `turns` people who speak one after the other, the number of this one, each for
            `turn_s`; None sends no sound.
    """
    room = rtc.Room()
    video, audio = rtc.VideoSource(*size), rtc.AudioSource(_RATE_HZ, 1)
    tasks = []
    async with asyncio.timeout(CONNECT_WITHIN_S):
        await room.connect(url, token, rtc.RoomOptions(auto_subscribe=False))
    try:
        tasks.append(asyncio.create_task(_show(video, size, fps, hue)))
        async with asyncio.timeout(CONNECT_WITHIN_S):
            await room.local_participant.publish_track(
                rtc.LocalVideoTrack.create_video_track("camera", video),
                rtc.TrackPublishOptions(
                    source=rtc.TrackSource.SOURCE_CAMERA,
                    simulcast=False,
                    video_codec=rtc.VideoCodec.VP8,
                ),
            )
            if turn is not None:
                tasks.append(asyncio.create_task(_speak(audio, turn, turns, turn_s)))
                await room.local_participant.publish_track(
                    rtc.LocalAudioTrack.create_audio_track("microphone", audio),
                    rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE),
                )
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await room.disconnect()


@asynccontextmanager
async def company(
    server: Server,
    meeting_id: str,
    count: int,
    *,
    size: tuple[int, int],
    fps: int,
    speakers: int = 0,
) -> AsyncIterator[None]:
    """Let people join a meeting of moot's and publish, each at a picture of their own; the first
    `speakers` of them speak in turn.
    """
    async with AsyncExitStack() as stack:
        for number in range(count):
            one = Person([server], f"Guest {number + 1}")
            stack.push_async_callback(one.gone)
            await one.create(meeting_id)
            answer = await one.join(meeting_id, video=True, audio=number < speakers)
            if answer.status not in (200, 201):
                raise RuntimeError(f"a publisher could not join: {answer.status} {answer.raw!r}")
            one.watch(meeting_id, answer.body["connection"])
            media = answer.body["media"]
            await stack.enter_async_context(
                publisher(
                    media["url"],
                    media["token"],
                    size=size,
                    fps=fps,
                    hue=number * 40,
                    turn=number if number < speakers else None,
                    turns=max(1, speakers),
                )
            )
        yield
