"""Meetings on networks that lose, slow and break, in namespaces of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.timeout(240)


def play(scene: str) -> None:
    """Play a scene of `road.py`; its words are shown where it fails."""
    told = subprocess.run(
        ["unshare", "--net", sys.executable, "-m", "tests.media.road", scene],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=220,
    )
    assert told.returncode == 0, told.stdout[-6000:]


def test_a_lossy_and_narrow_network_carries_picture_sound_and_data() -> None:
    """MEDIA-1: with a tenth of all packets lost and 2 Mbit/s the meeting goes on."""
    play("losing")


def test_a_network_without_udp_carries_a_meeting_over_tcp() -> None:
    """MEDIA-1: where a firewall lets no UDP pass, ICE-TCP does."""
    play("without_udp")


def test_a_meeting_whose_udp_is_cut_goes_on_over_tcp() -> None:
    """JOIN-4: the same participants are seen again over TCP, and nobody has left."""
    play("udp_cut")


def test_a_network_that_is_gone_for_15_seconds_is_survived() -> None:
    """JOIN-4: the same participants go on where they were once the network is back."""
    play("all_cut")
