"""A PostgreSQL server of one's own."""

from __future__ import annotations

import contextlib
import itertools
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

import psycopg
from tests.servers.account import become, free_port, give, make_folder, program
from tests.servers.certificate import Certificate

USER: Final = "moot"
PASSWORD: Final = "only-for-tests"
_CURE: Final = "apt-get install postgresql"


def _version(folder: Path) -> int:
    return int(re.sub(r"\D.*", "", folder.parent.name) or 0)


class PostgresServer:
    """One server: made by `initdb`, with a superuser `moot`, on 127.0.0.1.

    Args:
        durable: sync the disk as in production; without it tests are faster, and a killed server
            still loses nothing, because the kernel lives on.
        certificate: speak TLS with it.
    """

    def __init__(self, *, durable: bool = False, certificate: Certificate | None = None) -> None:
        self.port = free_port()
        self._durable = durable
        self._certificate = certificate
        self._names = itertools.count(1)
        folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
        self._initdb = program("initdb", folders=folders, cure=_CURE)
        self._postgres = program("postgres", folders=folders, cure=_CURE)
        self._folder = make_folder("postgres", in_memory=not durable)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Make the cluster and start the server; returns when it answers."""
        password = self._folder / "password"
        password.write_text(PASSWORD, encoding="ascii")
        give(password)
        cluster = self._folder / "cluster"
        made = subprocess.run(
            [
                self._initdb,
                f"--pgdata={cluster}",
                f"--username={USER}",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ],
            cwd=self._folder,
            capture_output=True,
            check=False,
            timeout=60,
            **become(),
        )
        if made.returncode != 0:
            raise RuntimeError(f"initdb has failed: {made.stderr.decode(errors='replace')}")
        settings = [
            f"port = {self.port}",
            "listen_addresses = '127.0.0.1'",
            f"unix_socket_directories = '{self._folder}'",
            "max_connections = 200",
            "max_wal_size = 96MB",
            "min_wal_size = 32MB",
            f"fsync = {'on' if self._durable else 'off'}",
            "logging_collector = off",
        ]
        if self._certificate is not None:
            for name in ("server.crt", "server.key"):
                shutil.copy(self._certificate.folder / name, cluster / name)
                give(cluster / name)
                (cluster / name).chmod(0o600)
            settings.append("ssl = on")
            access = cluster / "pg_hba.conf"
            access.write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n", encoding="ascii")
        with (cluster / "postgresql.conf").open("a", encoding="ascii") as file:
            file.write("\n".join(settings) + "\n")
        self.resume()

    def halt(self) -> None:
        """Stop the server at once, as a crash does; `resume` starts it again."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(timeout=30)
            self._process = None

    def resume(self) -> None:
        """Start the server on what it has; returns when it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._postgres, "-D", self._folder / "cluster"],
                cwd=self._folder,
                stdout=log,
                stderr=log,
                **become(),
            )
        deadline = time.monotonic() + 50
        while True:
            with contextlib.suppress(psycopg.OperationalError), self._connect():
                return
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = (self._folder / "log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"PostgreSQL has not started: {said}")
            time.sleep(0.05)

    def restart(self) -> None:
        """Crash and come back."""
        self.halt()
        self.resume()

    def stop(self) -> None:
        """Stop the server and forget its folder."""
        try:
            self.halt()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def url(self, database: str = "postgres", *, port: int | None = None, query: str = "") -> str:
        """Spell the address of a database, here or behind a pooler's port."""
        port = port or self.port
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{port}/{database}{query}"

    def create_database(self, *, template: str = "template0") -> str:
        """Make a database and return its name."""
        name = f"moot_{next(self._names)}"
        with self._connect() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop_database(self, name: str) -> None:
        """Forget a database, whoever is connected to it: each is a thousand files."""
        with self._connect() as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _connect(self) -> psycopg.Connection:
        query = "?sslmode=require" if self._certificate else ""
        return psycopg.connect(self.url(query=query), autocommit=True, connect_timeout=5)
