"""PgBouncer in transaction mode before a PostgreSQL server, as hosted databases have it."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

from tests.servers.account import become, free_port, give, make_folder, program
from tests.servers.postgres import PASSWORD, USER, PostgresServer

_CURE: Final = "apt-get install pgbouncer"


class PgBouncer:
    """A pooler that lends a server connection for one transaction, and then to somebody else.

    It has its default settings, so it refuses start-up parameters that it does not know, and with
    few server connections every transaction is likely to get another one.
    """

    def __init__(self, server: PostgresServer) -> None:
        self.port = free_port()
        self._server = server
        self._program = program(
            "pgbouncer", folders=[Path("/usr/sbin"), Path("/usr/bin")], cure=_CURE
        )
        self._folder = make_folder("pgbouncer")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the pooler; returns when it answers."""
        users = self._folder / "users.txt"
        users.write_text(f'"{USER}" "{PASSWORD}"\n', encoding="ascii")
        settings = self._folder / "pgbouncer.ini"
        settings.write_text(
            "[databases]\n"
            f"* = host=127.0.0.1 port={self._server.port}\n"
            "[pgbouncer]\n"
            "listen_addr = 127.0.0.1\n"
            f"listen_port = {self.port}\n"
            "unix_socket_dir =\n"
            "auth_type = scram-sha-256\n"
            f"auth_file = {users}\n"
            "pool_mode = transaction\n"
            "default_pool_size = 4\n"
            "max_client_conn = 500\n",
            encoding="ascii",
        )
        give(users)
        give(settings)
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [self._program, settings], stdout=log, stderr=log, **become()
            )
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = (self._folder / "log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"PgBouncer has not started: {said}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop the pooler and forget its folder."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)
        shutil.rmtree(self._folder, ignore_errors=True)

    def url(self, database: str, *, query: str = "") -> str:
        """Spell the address of a database through the pooler."""
        return self._server.url(database, port=self.port, query=query)
