"""The door for LiveKit's webhooks."""

import pytest

from moot.http.webhooks import PATH, Webhooks
from moot.media.livekit_webhook import WebhookInvalid


class Engine:
    def __init__(self):
        self.taken = []

    def receive_webhook(self, body, authorization):
        if authorization != "signed":
            raise WebhookInvalid
        self.taken.append(body)


async def ask(door, method="POST", body=b"{}", **headers):
    sent = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    given = [(name.encode(), value.encode()) for name, value in headers.items()]
    await door({"type": "http", "method": method, "headers": given}, receive, send)
    return sent[0]["status"]


@pytest.mark.parametrize(
    ("method", "authorization", "size", "status"),
    [
        ("POST", "signed", 2, 200),
        ("POST", "forged", 2, 401),
        ("POST", "", 2, 401),
        ("GET", "signed", 2, 405),
        ("POST", "signed", 300_000, 413),
    ],
)
async def test_only_what_livekit_has_signed_is_taken(method, authorization, size, status):
    """A webhook is only a hint, and only LiveKit may give it."""
    engine = Engine()
    assert await ask(Webhooks(engine), method, b"x" * size, authorization=authorization) == status
    assert engine.taken == ([b"xx"] if status == 200 else [])


def test_the_door_has_one_address():
    """Nothing else is answered here."""
    assert Webhooks.serves(PATH)
    assert not Webhooks.serves(PATH + "/more")
