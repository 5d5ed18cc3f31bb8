"""Passcodes: hashed with argon2id off the event loop, and slow to guess."""

from __future__ import annotations


class Passcodes:
    """Hashes and checks passcodes; remembers wrong ones to slow their sender down."""

    async def hash(self, passcode: str) -> str:
        """Make the argon2id hash that is stored (RFC 9106)."""
        raise NotImplementedError
