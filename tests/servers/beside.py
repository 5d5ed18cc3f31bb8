"""The servers beside moot, for tests that are not in Python: they run until the input ends.

    python -m tests.servers.beside [--livekit WEBHOOK] [--tls FOLDER]

First comes one line of JSON: the addresses of PostgreSQL and Redis, and LiveKit's port. Then it
obeys `stop livekit` and `start livekit`, a line each, and answers each with `done`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.livekit.server import API_KEY, API_SECRET, LiveKitServer, free_ports
from tests.servers.certificate import make_certificate
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer
from tests.servers.running import running


def main() -> None:
    """Run them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--livekit", metavar="WEBHOOK", help="run LiveKit too, and tell it this")
    parser.add_argument("--tls", metavar="FOLDER", help="make a certificate there, and trust it")
    options = parser.parse_args()
    if options.tls:
        # LiveKit speaks to a proxy that shows this certificate.
        os.environ["SSL_CERT_FILE"] = str(make_certificate(Path(options.tls)).authority)
    with ExitStack() as stack:
        postgres = stack.enter_context(running(PostgresServer()))
        redis = stack.enter_context(running(RedisServer()))
        addresses: dict[str, object] = {
            "database": postgres.url(postgres.create_database()),
            "bus": redis.url,
        }
        livekit: LiveKitServer | None = None
        if options.livekit:
            # Chosen once, so that it is found again where it was.
            livekit = LiveKitServer((options.livekit,), free_ports(3))
            stack.enter_context(livekit)
            addresses["livekit"] = {
                "port": livekit.ports[0],
                "key": API_KEY,
                "secret": API_SECRET,
            }
        print(json.dumps(addresses), flush=True)
        for line in sys.stdin:
            word = line.strip()
            if livekit is not None and word == "stop livekit":
                livekit.stop()
            elif livekit is not None and word == "start livekit":
                livekit.__enter__()
            else:
                raise SystemExit(f"unknown: {word}")
            print("done", flush=True)


if __name__ == "__main__":
    main()
