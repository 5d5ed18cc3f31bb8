"""What the benchmarks conclude from what they saw: the pure parts of the seats, loss and cost."""

import asyncio
from typing import Any

import pytest
from bench.seat_path import Path
from bench.seat_peers import Entry
from bench.seats import Sample, judge

from bench import cost, loss

ANA = Entry("Ana", "1", is_host=True)
WIM = Entry("Wim", "2")


def seen(at: float, *entries: Entry, is_in: bool = True, gone: int = 0) -> Sample:
    return Sample(at, entries, is_in, ("Ana",) * gone)


def test_a_seat_that_stays_is_right_from_the_beginning() -> None:
    """One line, connected, in the right role, all the time."""
    verdict = judge([seen(at, ANA, WIM) for at in (1.0, 2.0, 3.0)], "Ana", 1.5, is_host=True)
    assert (verdict.entries, verdict.gone, verdict.missing_ms) == (1, 0, 0)
    assert (verdict.right_ms, verdict.hosts) == (0, 1)


def test_a_gap_is_measured_and_the_list_is_right_after_it() -> None:
    """What is missing counts from one look to the next; a departure is what was announced."""
    samples = [seen(0.9, ANA), seen(1.1, gone=1), seen(1.2, gone=1), seen(1.5, ANA, gone=1)]
    verdict = judge(samples, "Ana", 1.0, is_host=True)
    assert verdict.gone == 1
    assert verdict.missing_ms == pytest.approx(400)
    assert verdict.right_ms == pytest.approx(500)


@pytest.mark.parametrize(
    "wrong",
    [
        seen(2.0, ANA, ANA),
        seen(2.0, WIM),
        seen(2.0, Entry("Ana", "1", is_host=False)),
        seen(2.0, Entry("Ana", "1", is_host=True, is_connected=False)),
        seen(2.0, ANA, is_in=False),
    ],
    ids=["twice", "not listed", "without the role", "away", "own page is out"],
)
def test_what_is_wrong_at_the_end_is_never_right(wrong: Sample) -> None:
    """A list that ends wrong has no time at which it became right."""
    assert judge([seen(1.0, ANA), wrong], "Ana", 0.5, is_host=True).right_ms is None


def test_a_peer_without_roles_is_not_judged_by_them() -> None:
    """Where there are no roles, none is missed and no hosts are counted."""
    verdict = judge([seen(1.0, Entry("Ana", "1"))], "Ana", 0.5, is_host=None)
    assert (verdict.right_ms, verdict.hosts) == (0, None)


def account(**video: float) -> dict[str, Any]:
    audio = {name: video.pop(name, 0) for name in ("totalSamplesReceived", "concealedSamples")}
    return {"video": video, "audio": audio}


def test_a_window_is_what_grew_in_it() -> None:
    """Rates are per second, shares of the window and of the samples."""
    before = account(bytesReceived=1000, framesDecoded=10, totalSamplesReceived=100)
    grown = {"bytesReceived": 126_000, "framesDecoded": 210, "freezeCount": 2}
    more = {"totalFreezesDuration": 1.0, "totalSamplesReceived": 1100, "concealedSamples": 50}
    window = loss.between(before, account(**grown, **more), 10.0)
    assert (window.video_kbps, window.frames_per_s) == (100, 20)
    assert (window.frozen_percent, window.freezes_per_minute) == (10, 12)
    assert window.concealed_percent == 5


def test_a_picture_that_never_moved_again_was_frozen_throughout() -> None:
    """A browser counts a freeze when it ends; one that does not end counts all the same."""
    still = account(framesDecoded=10)
    assert loss.between(still, still, 10.0).frozen_percent == 100
    assert loss.between(still, still, 10.0).concealed_percent == 100


def test_the_cost_is_the_stated_product() -> None:
    """100 packets a second of 1,250 bytes, 50,000 packets a CPU-second, for 1,000 minutes."""
    measured = {cost.PACKETS: 1000.0, cost.PER_CPU_S: 50_000.0, cost.BYTES: 1250.0}
    told = cost.costs(measured, 10, 0.36, 0.1)
    assert told["CPU-hours"] == pytest.approx(6_000_000 / 50_000 / 3600)
    assert told["GB sent"] == pytest.approx(7.5)
    assert told["cost of the CPU"] == pytest.approx(0.012)
    assert told["cost of the traffic"] == pytest.approx(0.75)


def test_a_server_without_all_that_is_needed_has_no_cost() -> None:
    """Nothing is guessed: a figure that is missing leaves its server out."""

    def told(unit: str, theirs: float | None) -> dict[str, Any]:
        case = {"question": "forward", "case": "1x50", "unit": unit, "value": 1.0}
        return {**case, "peer": "livekit-server", "peer_value": theirs}

    figures = [told(cost.PACKETS, 2.0), told(cost.PER_CPU_S, 2.0), told(cost.BYTES, None)]
    assert cost.forwarded(figures, "1x50").keys() == {"moot"}


async def test_a_flip_cuts_the_client_and_leaves_the_server_in_silence() -> None:
    """The server hears neither bytes nor an end of the old connection; the next one works."""
    loop = asyncio.get_running_loop()
    ended: list[object] = []
    ports: list[int] = []

    class Echo(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            self.transport = transport
            ports.append(transport.get_extra_info("peername")[1])

        def data_received(self, data: bytes) -> None:
            self.transport.write(data)

        def connection_lost(self, exc: Exception | None) -> None:
            ended.append(exc)

    server = await loop.create_server(Echo, "127.0.0.1", 0)
    async with server, Path(server.sockets[0].getsockname()[1]) as path:
        reader, writer = await asyncio.open_connection("127.0.0.1", path.port)
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        path.flip()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        again, writer_again = await asyncio.open_connection("127.0.0.1", path.port)
        writer_again.write(b"hello")
        assert await again.readexactly(5) == b"hello"
        assert ended == []
        assert len(set(ports)) == 2
        for one in (writer, writer_again):
            one.transport.abort()
