"""A person as the edges hand it to control: who it is, and what an account says its name is."""

from __future__ import annotations

import msgspec

from moot.model.ids import PersonId


class Person(msgspec.Struct, frozen=True):
    """Who sent a request (PERSON-1).

    Attributes:
        id: `guest:<32 hex>` or `account:<issuer>|<subject>`; never a name, never from a body.
        name: what the account calls the person, None for guests and accounts without a name.
        is_account: a token says who this is, so the name counts as verified.
    """

    id: PersonId
    name: str | None = None
    is_account: bool = False
