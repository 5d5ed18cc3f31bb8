"""What the tests need from the system: name it, and install it where that is allowed.

Debian's names; on another system, or without root, the run says which programs are missing.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable
from glob import glob

# By part of the test run: the program (or a pattern of files) to look for, and Debian's package.
NEEDED: dict[str, tuple[tuple[str, str], ...]] = {
    "rust": (),
    "web": (),
    "unit": (),
    "contract": (
        ("/usr/lib/postgresql/*/bin/initdb", "postgresql"),
        ("/usr/sbin/pgbouncer", "pgbouncer"),
        ("redis-server", "redis-server"),
    ),
    "integration": (
        ("/usr/lib/postgresql/*/bin/initdb", "postgresql"),
        ("/usr/sbin/pgbouncer", "pgbouncer"),
        ("redis-server", "redis-server"),
        ("/usr/lib/*/faketime/libfaketime.so.1", "libfaketime"),
        ("/usr/sbin/nginx", "nginx"),
        ("caddy", "caddy"),
        ("systemd-analyze", "systemd"),
    ),
    "media": (
        ("chromium", "chromium"),
        ("firefox-esr", "firefox-esr"),
        ("ip", "iproute2"),
        ("nft", "nftables"),
    ),
    "bench": (
        ("/usr/lib/postgresql/*/bin/initdb", "postgresql"),
        ("redis-server", "redis-server"),
        ("/usr/sbin/nats-server", "nats-server"),
        ("janus", "janus"),
        ("chromium", "chromium"),
        ("ip", "iproute2"),
        ("nft", "nftables"),
    ),
    "browser": (
        ("chromium", "chromium"),
        ("firefox-esr", "firefox-esr"),
        ("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf", "fonts-noto-color-emoji"),
        ("pulseaudio", "pulseaudio"),
        ("ip", "iproute2"),
        ("nft", "nftables"),
        ("/usr/lib/postgresql/*/bin/initdb", "postgresql"),
        ("redis-server", "redis-server"),
        ("/usr/sbin/nginx", "nginx"),
        ("caddy", "caddy"),
    ),
}


def missing(parts: Iterable[str]) -> list[str]:
    """Return the packages that these parts need and that are not there, each once."""
    packages = []
    for part in parts:
        for program, package in NEEDED.get(part, ()):
            found = glob(program) if "/" in program else shutil.which(program)
            if not found and package not in packages:
                packages.append(package)
    return packages


def install(packages: list[str]) -> str:
    """Install packages; return an empty text, or why they cannot be installed and the cure."""
    wanted = " ".join(packages)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return f"the tests need packages that are not installed: apt-get install {wanted}"
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
    ):
        told = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if told.returncode != 0:
            return f"{' '.join(command)} failed:\n{told.stdout[-2000:]}{told.stderr[-2000:]}"
    return ""
