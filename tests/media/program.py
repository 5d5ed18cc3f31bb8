"""A program on LiveKit's Python SDK: publishes a colour and a tone, and keeps what arrives."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from types import TracebackType
from typing import Any, Self

import numpy as np

from livekit import rtc

WITHIN_S = 20.0
WIDTH, HEIGHT = 640, 360
RATE_HZ = 48_000
TONE_HZ = 440.0


class Program:
    """One participant; a context manager that joins and leaves.

    What arrives is kept: the latest `frames` and `levels` by publisher's identity, the `counts` of
    frames and when the last was `seen_at`, `packets`, `happened`.
    """

    def __init__(
        self, url: str, token: str, *, is_single: bool = True, wants_everything: bool = True
    ) -> None:
        self.room = rtc.Room()
        self.frames: dict[str, list[rtc.VideoFrame]] = defaultdict(list)
        self.levels: dict[str, list[float]] = defaultdict(list)
        self.counts: Counter[str] = Counter()
        self.seen_at: dict[str, float] = {}
        self.packets: list[rtc.DataPacket] = []
        self.happened: list[tuple[str, Any]] = []
        self._url = url
        self._token = token
        self._options = rtc.RoomOptions(
            auto_subscribe=wants_everything, single_peer_connection=is_single
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._sources: list[rtc.AudioSource | rtc.VideoSource] = []
        self._reading: dict[str, asyncio.Task[None]] = {}
        self._listen()

    async def __aenter__(self) -> Self:
        """Join."""
        async with asyncio.timeout(WITHIN_S):
            await self.room.connect(self._url, self._token, self._options)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave."""
        tasks = [*self._tasks, *self._reading.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with asyncio.timeout(WITHIN_S):
            await self.room.disconnect()
        # Each audio source has a thread of its own that ends no sooner.
        while self._sources:
            await self._sources.pop().aclose()

    async def publish_colour(
        self, rgb: tuple[int, int, int], source: int = rtc.TrackSource.SOURCE_CAMERA, **options: Any
    ) -> rtc.LocalTrackPublication:
        """Publish a video of one colour at 15 frames a second."""
        video = rtc.VideoSource(WIDTH, HEIGHT)
        self._sources.append(video)
        track = rtc.LocalVideoTrack.create_video_track("colour", video)
        picture = np.empty((HEIGHT, WIDTH, 4), np.uint8)
        picture[:] = (*rgb, 255)
        frame = rtc.VideoFrame(WIDTH, HEIGHT, rtc.VideoBufferType.RGBA, picture.tobytes())
        self._tasks.append(asyncio.create_task(_show(video, frame)))
        async with asyncio.timeout(WITHIN_S):
            return await self.room.local_participant.publish_track(
                track,
                rtc.TrackPublishOptions(source=source, **options),  # type: ignore[arg-type]
            )

    async def publish_tone(self, hertz: float = TONE_HZ) -> rtc.LocalTrackPublication:
        """Publish a sine tone as the microphone."""
        audio = rtc.AudioSource(RATE_HZ, 1)
        self._sources.append(audio)
        track = rtc.LocalAudioTrack.create_audio_track("tone", audio)
        self._tasks.append(asyncio.create_task(_sound(audio, hertz)))
        async with asyncio.timeout(WITHIN_S):
            return await self.room.local_participant.publish_track(
                track, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
            )

    async def leave(self) -> None:
        """Leave for good; calling it again changes nothing."""
        await self.__aexit__(None, None, None)

    async def sees(self, identity: str, rgb: tuple[int, int, int]) -> None:
        """Wait until a frame of that colour arrives from that publisher."""
        await self.until(lambda: any(_has_colour(f, rgb) for f in self.frames[identity][-3:]))

    async def hears(self, identity: str) -> None:
        """Wait until there is sound from that publisher."""
        await self.until(lambda: any(level > 0.05 for level in self.levels[identity][-10:]))

    async def hears_nothing_of(self, identity: str, within_s: float = 3.0) -> None:
        """Wait until half a second has passed without sound from that publisher.

        What a client makes up for packets that do not come any more dies away within a moment.
        """
        async with asyncio.timeout(within_s):
            while True:
                self.levels[identity].clear()
                await asyncio.sleep(0.5)
                if max(self.levels[identity], default=0) < 0.001:
                    return

    async def until(self, is_so: Any, within_s: float = WITHIN_S) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(within_s):
            while not is_so():
                await asyncio.sleep(0.02)

    async def packets_of(self, kind: str) -> int:
        """Count the packets that have arrived of the first track of a kind, `audio` or `video`."""
        for name, facts in self.happened:
            if name != "track_subscribed":
                continue
            track: rtc.Track = facts[0]
            for figure in await track.get_stats():
                if figure.HasField("inbound_rtp") and figure.inbound_rtp.stream.kind == kind:
                    return int(figure.inbound_rtp.received.packets_received)
        return 0

    def did(self, name: str) -> bool:
        """Tell whether an event of that name has come."""
        return any(happened == name for happened, _ in self.happened)

    def remote(self, identity: str) -> rtc.RemoteParticipant:
        """Another participant, as this one sees it."""
        return self.room.remote_participants[identity]

    def _listen(self) -> None:
        self.room.on("track_subscribed", self._subscribed)
        self.room.on("track_unsubscribed", self._unsubscribed)
        self.room.on("data_received", self.packets.append)
        for name in (
            "participant_connected",
            "participant_disconnected",
            "track_muted",
            "track_unmuted",
            "track_unpublished",
            "active_speakers_changed",
            "room_metadata_changed",
            "participant_metadata_changed",
            "participant_attributes_changed",
            "participant_name_changed",
            "disconnected",
            "local_track_subscribed",
            "connection_quality_changed",
        ):
            self.room.on(name, self._noting(name))

    def _noting(self, name: str) -> Any:
        def note(*facts: Any) -> None:
            self.happened.append((name, facts))

        return note

    def _subscribed(
        self,
        track: rtc.Track,
        publication: rtc.RemoteTrackPublication,
        participant: rtc.RemoteParticipant,
    ) -> None:
        self.happened.append(("track_subscribed", (track, publication, participant)))
        take = self._watch if track.kind == rtc.TrackKind.KIND_VIDEO else self._hear
        self._reading[track.sid] = asyncio.create_task(take(track, participant.identity))

    def _unsubscribed(
        self,
        track: rtc.Track,
        publication: rtc.RemoteTrackPublication,
        participant: rtc.RemoteParticipant,
    ) -> None:
        self.happened.append(("track_unsubscribed", (track, publication, participant)))
        # Its receiver is used again: what still reads from it would read of the next track, too.
        if reading := self._reading.pop(track.sid, None):
            reading.cancel()

    async def _watch(self, track: rtc.Track, identity: str) -> None:
        stream = rtc.VideoStream(track, format=rtc.VideoBufferType.RGBA)
        try:
            async for event in stream:
                self.counts[identity] += 1
                self.seen_at[identity] = time.monotonic()
                kept = self.frames[identity]
                kept.append(event.frame)
                del kept[:-8]
        finally:
            await stream.aclose()

    async def _hear(self, track: rtc.Track, identity: str) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE_HZ, num_channels=1)
        try:
            async for event in stream:
                samples = np.frombuffer(event.frame.data, np.int16)
                kept = self.levels[identity]
                kept.append(float(np.abs(samples).mean()) / 32768)
                del kept[:-200]
        finally:
            await stream.aclose()


async def _show(video: rtc.VideoSource, frame: rtc.VideoFrame) -> None:
    while True:
        video.capture_frame(frame)
        await asyncio.sleep(1 / 15)


async def _sound(audio: rtc.AudioSource, hertz: float) -> None:
    size = RATE_HZ // 50
    start = 0
    while True:
        times = (start + np.arange(size)) / RATE_HZ
        samples = (np.sin(2 * np.pi * hertz * times) * 16_000).astype(np.int16)
        start += size
        await audio.capture_frame(rtc.AudioFrame(samples.tobytes(), RATE_HZ, 1, size))


def _has_colour(frame: rtc.VideoFrame, rgb: tuple[int, int, int]) -> bool:
    picture = np.frombuffer(frame.data, np.uint8).reshape(frame.height, frame.width, 4)
    middle = picture[frame.height // 3 : -frame.height // 3, :, :3].mean(axis=(0, 1))
    return bool(np.abs(middle - np.array(rgb)).max() < 40)
