"""Who somebody is cannot be chosen (PERSON-2): tokens of every wrong kind against a real server."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from tests.programs.person import AUTH_SECRET
from tests.programs.server import Server

EC, RSA, STRANGER = (
    ec.generate_private_key(ec.SECP256R1()),
    rsa.generate_private_key(public_exponent=65537, key_size=2048),
    ec.generate_private_key(ec.SECP256R1()),
)


def jwk(key, kid):
    kind = jwt.algorithms.ECAlgorithm if key is not RSA else jwt.algorithms.RSAAlgorithm
    return {**kind.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}


class _Issuer(BaseHTTPRequestHandler):
    """What a Supabase project publishes at `/auth/v1/.well-known/jwks.json`."""

    def do_GET(self):
        content = json.dumps({"keys": [jwk(EC, "ec"), jwk(RSA, "rsa")]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def issuer():
    http = HTTPServer(("127.0.0.1", 0), _Issuer)
    Thread(target=http.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{http.server_port}/auth/v1"
    http.shutdown()
    http.server_close()


@pytest.fixture(scope="module")
def signed(issuer, tmp_path_factory):
    server = Server(
        tmp_path_factory.mktemp("data"),
        MOOT_AUTH_SECRET=AUTH_SECRET,
        MOOT_OIDC_ISSUER=issuer,
        MOOT_OIDC_AUDIENCE="authenticated",
        MOOT_OIDC_JWKS_URL=f"{issuer}/.well-known/jwks.json",
    )
    asyncio.run(server.start())
    yield server
    server.kill()


def supabase(issuer, key=EC, algorithm="ES256", kid="ec", **changes):
    """Make a token as a Supabase project does."""
    claims = {
        "iss": issuer,
        "sub": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
        "aud": "authenticated",
        "exp": time.time() + 600,
        "iat": time.time(),
        "role": "authenticated",
        "user_metadata": {"full_name": "Ana Account"},
    } | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm, headers={"kid": kid})


def hs256(header, claims, secret):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    text = part(header) + b"." + part(claims)
    mac = base64.urlsafe_b64encode(hmac.new(secret, text, hashlib.sha256).digest()).rstrip(b"=")
    return (text + b"." + mac).decode()


async def join(server, token, meeting="TOKENS", name=None):
    wire = server.wire(Authorization=f"Bearer {token}", Connection="close")
    await wire.ask("PUT", f"/api/v1/meetings/{meeting}", {})
    wire = server.wire(Authorization=f"Bearer {token}", Connection="close")
    body = {} if name is None else {"name": name}
    return await wire.ask("PUT", f"/api/v1/meetings/{meeting}/participants/me", body)


async def test_supabase_account_joins_under_its_own_name(signed, issuer):
    """PERSON-1: a Supabase project's token is a person, with the account's name, on any device."""
    first = await join(signed, supabase(issuer))
    assert first.status == 201
    participant = first.body["participant"]
    assert (participant["name"], participant["verified"]) == ("Ana Account", True)
    again = await join(signed, supabase(issuer, RSA, "RS256", "rsa"))
    assert (again.status, again.body["participant"]["id"]) == (200, participant["id"])


async def test_every_wrong_token_is_401_and_creates_nothing(signed, issuer):
    """PERSON-2: forged, expired, foreign, unsigned and confused tokens (CVE-2021-39215)."""
    pem = [
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        for key in (EC, RSA)
    ]
    good = {"iss": issuer, "sub": "x", "aud": "authenticated", "exp": time.time() + 600}
    own = {"sub": "x", "exp": time.time() + 600}
    wrong = {
        "unsigned": jwt.encode(good, None, "none"),
        "unsigned, named": hs256({"alg": "none", "kid": "ec"}, good, b""),
        "another's key": supabase(issuer, STRANGER),
        "unknown key": supabase(issuer, kid="nobody"),
        "key in the header": jwt.encode(
            good, STRANGER, "ES256", headers={"kid": "ec", "jwk": jwk(STRANGER, "ec")}
        ),
        "public EC key as secret": hs256({"alg": "HS256", "kid": "ec"}, good, pem[0]),
        "public RSA key as secret": hs256({"alg": "HS256", "kid": "rsa"}, good, pem[1]),
        "other algorithm of the key": supabase(issuer, RSA, "RS512", "rsa"),
        "expired": supabase(issuer, exp=time.time() - 60),
        "never expires": supabase(issuer, exp=None),
        "not yet": supabase(issuer, nbf=time.time() + 300),
        "foreign audience": supabase(issuer, aud="other"),
        "no audience": supabase(issuer, aud=None),
        "foreign issuer": supabase("https://other.example"),
        "our secret, their issuer": jwt.encode(good, AUTH_SECRET, "HS256"),
        "their key, no issuer": supabase(issuer, iss=None),
        "unknown crit": hs256({"alg": "HS256", "crit": ["x"]}, own, AUTH_SECRET.encode()),
        "no subject": supabase(issuer, sub=None),
        "guessed secret": jwt.encode(own, "secret" * 8, "HS256"),
        "cut": supabase(issuer)[:-10],
        "garbage": "a.b.c",
        "empty": "",
        "long": "a" * 9000,
    }
    for what, token in wrong.items():
        answer = await join(signed, token, meeting="WRONGTOKEN", name="X")
        assert (answer.status, answer.body["code"]) == (401, "token_invalid"), what
    look = await signed.wire(Connection="close").ask("GET", "/api/v1/meetings/WRONGTOKEN")
    assert look.status == 404


async def test_a_name_is_nobody(signed, issuer):
    """Talk CVE-2021-32689, OpenClaw CVE-2026-28474: the same name is not the same person."""
    account = await join(signed, supabase(issuer), "NAMES")
    guest = signed.wire(Connection="close")
    other = await guest.ask(
        "PUT", "/api/v1/meetings/NAMES/participants/me", {"name": "Ana Account"}
    )
    assert other.status == 201
    assert other.body["participant"]["id"] != account.body["participant"]["id"]
    assert other.body["participant"]["label"] == "Ana Account (2)"
    assert other.body["participant"]["verified"] is False
    assert other.body["participant"]["role"] == "guest"


async def test_ids_in_a_request_make_nobody_somebody_else(signed, issuer):
    """PERSON-2: knowing a participant's or a connection's id is worth nothing."""
    mine = await join(signed, supabase(issuer), "KNOWING")
    connection = mine.body["connection"]
    thief = signed.wire(Connection="close")
    stolen = await thief.ask(
        "PUT",
        "/api/v1/meetings/KNOWING/participants/me",
        {"name": "Thief", "connection_id": connection["id"], "replaces": connection["id"]},
    )
    assert stolen.status in (410, 422)
    cookie = await signed.wire(Connection="close").ask("PUT", "/api/v1/meetings/KNOWING", {})
    who = {"Cookie": cookie.headers["set-cookie"].partition(";")[0], "Connection": "close"}
    await signed.wire(**who).ask(
        "PUT", "/api/v1/meetings/KNOWING/participants/me", {"name": "Thief"}
    )
    for method, path, body in (
        ("PATCH", "participants/me", {"audio": True}),
        ("POST", "participants/me/media", None),
        ("DELETE", f"participants/me?connection_id={connection['id']}", None),
    ):
        await signed.wire(
            **who, **{"Moot-Connection": connection["id"], "Moot-Fence": str(connection["fence"])}
        ).ask(method, f"/api/v1/meetings/KNOWING/{path}", body)
    seat = await signed.wire(Authorization=f"Bearer {supabase(issuer)}", Connection="close").ask(
        "GET", "/api/v1/meetings/KNOWING/participants/me"
    )
    assert seat.body["participant"]["audio"] is False
    assert [c["state"] for c in seat.body["connections"]] == ["pending"]


async def test_secret_of_an_installation_is_made_once_and_readable_by_its_owner_only(serve):
    """Jitsi CVE-2020-11878: no default secret anywhere; guests stay themselves over restarts."""
    server = await serve()
    wire = server.wire(Connection="close")
    first = await wire.ask("PUT", "/api/v1/meetings/SECRET/participants/me", {"name": "A"})
    assert first.status == 404
    made = await server.wire(Connection="close").ask("PUT", "/api/v1/meetings/SECRET", {})
    cookie = made.headers["set-cookie"].partition(";")[0]
    secret = server.data / "secret"
    assert secret.stat().st_mode & 0o077 == 0
    assert len(secret.read_text().strip()) >= 32
    assert server.stop() == 0
    await server.start()
    again = await server.wire(Cookie=cookie, Connection="close").ask(
        "PUT", "/api/v1/meetings/SECRET", {}
    )
    assert "set-cookie" not in again.headers
    # Another installation does not know this guest, and says so instead of making a new one.
    other = await serve(data=server.data.parent / "other")
    answer = await other.wire(Cookie=cookie, Connection="close").ask(
        "PUT", "/api/v1/meetings/SECRET", {}
    )
    assert (answer.status, answer.body["code"]) == (401, "token_invalid")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert (other.data / "secret").stat().st_size >= 32
