"""Who calls: API keys, `clientId`, member tokens, rights (connectwise.md §1, §3)."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from datetime import datetime, timedelta

from werkzeug.wrappers import Request, Response

from .answers import cannot_route, security, unauthenticated
from .schema import Row
from .world import World

TOKEN_LIFE = timedelta(hours=4)
CALLER = "entrepot.connectwise.caller"


class Keyring:
    """API keys of members, and temporary keys for impersonation."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._keys: dict[str, tuple[str, int, datetime | None]] = {}
        self.denied: dict[int, set[str]] = {}

    def add(self, member_id: int, public: str, private: str) -> None:
        """Give a member a key pair; replaces a pair with the same public half."""
        self._keys[public] = (private, member_id, None)

    def revoke(self, public: str) -> None:
        """Make a key pair worthless; unknown ones are ignored."""
        self._keys.pop(public, None)

    def end_temporary(self) -> None:
        """Make all temporary pairs worthless."""
        ended = [public for public, held in self._keys.items() if held[2] is not None]
        for public in ended:
            del self._keys[public]

    def issue(self, member_id: int, now: datetime) -> tuple[str, str, datetime]:
        """A temporary pair with its end (connectwise.md §3, impersonation)."""
        public, private = secrets.token_hex(8), secrets.token_hex(8)
        expires = now + TOKEN_LIFE
        self._keys[public] = (private, member_id, expires)
        return public, private, expires

    def member(self, login: str, private: str, now: datetime) -> Row | None:
        """The member of `{company}+{publicKey}` and private key, or None."""
        company, plus, public = login.partition("+")
        if not plus or company.lower() != self._world.knobs.company.lower():
            return None
        wanted, member_id, expires = self._keys.get(public, ("", 0, None))
        if not wanted or not hmac.compare_digest(wanted, private):
            return None
        if expires is not None and expires <= now:
            return None
        member = self._world.row("members", member_id)
        return None if member is None or member.get("inactiveFlag") else member


def credentials(request: Request) -> tuple[str, str] | None:
    """User and password of Basic authorisation, or None."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    login, colon, password = text.partition(":")
    return (login, password) if colon else None


def refusal(
    request: Request, world: World, keyring: Keyring, now: datetime, codebase: str
) -> Response | None:
    """The answer to a caller who may not enter, or None.

    A welcome caller's member row is left in the request's environment.
    """
    knobs = world.knobs
    if f"{codebase}/" not in {knobs.codebase, "v4_6_release/"}:
        return cannot_route()
    if knobs.require_api_host and not request.host.startswith("api-"):
        return security("SSL is required.", 403)
    if not request.headers.get("clientId"):
        return security("clientId is required.", knobs.missing_client_id_status)
    given = credentials(request)
    member = keyring.member(*given, now) if given else None
    if member is None:
        return unauthenticated(knobs.auth_failure_status)
    request.environ[CALLER] = member
    if _denied(keyring.denied.get(member["id"], set()), request):
        return security("You do not have security rights to this resource.", 403)
    return None


def caller(request: Request) -> Row:
    """The member who sends this request; only after `refusal` gave None."""
    member: Row = request.environ[CALLER]
    return member


def _denied(denied: set[str], request: Request) -> bool:
    """Whether a rule such as `finance/agreements` or `... write` forbids this."""
    path = request.path.partition("apis/3.0/")[2]
    for rule in denied:
        prefix, _, right = rule.partition(" ")
        if path.lower().startswith(prefix.lower()):
            return right != "write" or request.method != "GET"
    return False
