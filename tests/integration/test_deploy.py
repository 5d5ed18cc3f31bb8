"""The examples of `deploy/` as far as their own programs can judge them without running them.

nginx.conf and Caddyfile are also run, by the browser scenes `livekit` and `processes`.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.servers.account import program
from tests.servers.certificate import Certificate

DEPLOY = Path(__file__).parents[2] / "deploy"


def judged(command: list[str | Path], **environment: str) -> None:
    """Run a program that judges a file; fail with what it said."""
    told = subprocess.run(
        command,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert told.returncode == 0, told.stdout + told.stderr


def test_nginx_takes_its_example(tmp_path: Path, certificate: Certificate) -> None:
    """`nginx -t` on the file as it is, but for where the certificate lies."""
    nginx = program("nginx", folders=[Path("/usr/sbin")], cure="apt-get install nginx")
    site = (DEPLOY / "nginx.conf").read_text("utf-8")
    for name, file in (("fullchain.pem", "server.crt"), ("privkey.pem", "server.key")):
        site = site.replace(f"/etc/ssl/meet.example.org/{name}", str(certificate.folder / file))
    (tmp_path / "site.conf").write_text(site)
    whole = tmp_path / "nginx.conf"
    whole.write_text(
        f"pid {tmp_path}/nginx.pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; include {tmp_path}/site.conf; }}\n"
    )
    judged([nginx, "-t", "-p", tmp_path, "-c", whole])


def test_caddy_takes_its_example_and_would_not_change_it(tmp_path: Path) -> None:
    """`caddy adapt` reads the file with its defaults, and `caddy fmt` leaves it as it is."""
    caddy = program("caddy", folders=[Path("/usr/bin")], cure="apt-get install caddy")
    judged(
        [caddy, "adapt", "--adapter", "caddyfile", "--config", DEPLOY / "Caddyfile", "--validate"],
        HOME=str(tmp_path),
    )
    copy = tmp_path / "Caddyfile"
    shutil.copy(DEPLOY / "Caddyfile", copy)
    judged([caddy, "fmt", "--overwrite", copy], HOME=str(tmp_path))
    assert copy.read_text("utf-8") == (DEPLOY / "Caddyfile").read_text("utf-8")


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """`systemd-analyze verify`, with a program that is there in the place of moot's."""
    analyze = program("systemd-analyze", folders=[Path("/usr/bin")], cure="apt-get install systemd")
    unit = (DEPLOY / "moot.service").read_text("utf-8")
    assert "/opt/moot/bin/moot serve" in unit
    copy = tmp_path / "moot.service"
    copy.write_text(unit.replace("/opt/moot/bin/moot", "/bin/true"))
    judged([analyze, "verify", "--man=no", copy])
