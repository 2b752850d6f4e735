"""Second factors: authenticator apps, recovery codes, passkeys, and who must."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

import pyotp
from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from entrepot.hub.users.rows import one, view
from entrepot.hub.users.rules import UserInvalid
from entrepot.hub.users.tables import (
    PasskeyRow,
    RecoveryCodeRow,
    SignInRulesRow,
    TotpRow,
)
from entrepot.sdk.context import Clock
from entrepot.store import Store, audit
from entrepot.store.actor import Actor
from entrepot.store.base import SYSTEM_TENANT
from entrepot.store.ids import new_id
from entrepot.store.scope import SystemScope
from entrepot.store.secrets import SecretRef, SecretStore

CODES = 10
_STEP_SECONDS = 30
_WRONG = "This code isn't right. Enter the one that your app shows now."


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """A passkey as shown to its person."""

    id: str
    user_id: str
    name: str
    public_key: str
    credential: str
    sign_count: int
    created_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """What a person has besides their password.

    Attributes:
        app: Whether an authenticator app is confirmed.
        codes: How many recovery codes are left.
        passkeys: Their passkeys, oldest first.
    """

    app: bool
    codes: int
    passkeys: tuple[Passkey, ...]

    @property
    def any(self) -> bool:
        """Whether there is a second factor at all."""
        return self.app or bool(self.passkeys)


class FactorsService:
    """Use cases around second factors.

    Args:
        store: The database.
        clock: What time it is.
        vault: Seals the apps' secrets with the hub's keys.
    """

    def __init__(self, store: Store, clock: Clock, vault: SecretStore) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault

    def of(self, user_id: str) -> Factors:
        """Return what a person has."""
        left = select(func.count()).where(
            RecoveryCodeRow.user_id == user_id, RecoveryCodeRow.used_at.is_(None)
        )
        keys = select(PasskeyRow).where(PasskeyRow.user_id == user_id)
        with self._store.read(SystemScope("sign-in")) as session:
            app = session.get(TotpRow, user_id)
            return Factors(
                app=app is not None and app.confirmed_at is not None,
                codes=session.scalar(left) or 0,
                passkeys=tuple(
                    _passkey(row) for row in session.scalars(keys.order_by("id"))
                ),
            )

    def begin_app(self, actor: Actor) -> str:
        """Make a secret for an authenticator app; it counts once confirmed.

        Returns:
            The secret, to be shown to the person and to nobody else.

        Raises:
            NotOnBehalf: Somebody acts in their name.
            UserInvalid: There is an app already.
        """
        actor.require_self()
        fresh = pyotp.random_base32()
        with self._store.unit(SystemScope("users")) as session:
            row = session.get(TotpRow, actor.id, with_for_update=True)
            if row is not None and row.confirmed_at is not None:
                raise UserInvalid("app", "Remove the authenticator app first.")
            if row is None:
                session.add(TotpRow(user_id=actor.id, last_step=0))
            self._vault.put(session, _ref(actor.id), fresh)
        return fresh

    def waiting_app(self, actor: Actor) -> str | None:
        """Return the address that an app not yet confirmed is set up with, or None."""
        actor.require_self()
        with self._store.read(SystemScope("users")) as session:
            row = session.get(TotpRow, actor.id)
            if row is None or row.confirmed_at is not None:
                return None
            email = one(session, actor.id).email
            made = pyotp.TOTP(self._vault.get(session, _ref(actor.id)))
            return made.provisioning_uri(name=email, issuer_name="Entrepot")

    def confirm_app(self, actor: Actor, code: str) -> list[str]:
        """Make an app count because it shows the right code.

        Returns:
            Recovery codes, shown this once.

        Raises:
            NotOnBehalf: Somebody acts in their name.
            UserInvalid: The code is wrong, or no app is being set up.
        """
        actor.require_self()
        with self._store.unit(SystemScope("users")) as session:
            row = session.get(TotpRow, actor.id, with_for_update=True)
            if row is None or row.confirmed_at is not None:
                raise UserInvalid("code", "Start setting up the app again.")
            if not self._fits(session, row, code):
                raise UserInvalid("code", _WRONG)
            row.confirmed_at = self._clock.now()
            _note(session, actor, "user.app_added", actor.id)
            return _new_codes(session, actor.id)

    def renew_codes(self, actor: Actor) -> list[str]:
        """Replace the recovery codes; returns the new ones, shown this once.

        Raises:
            NotOnBehalf: Somebody acts in their name.
        """
        actor.require_self()
        with self._store.unit(SystemScope("users")) as session:
            _note(session, actor, "user.codes_renewed", actor.id)
            return _new_codes(session, actor.id)

    def check(self, user_id: str, code: str) -> bool:
        """Return whether a code of the app or an unused recovery code was given.

        Either is used up by it: no code works twice.
        """
        with self._store.unit(SystemScope("sign-in")) as session:
            row = session.get(TotpRow, user_id, with_for_update=True)
            if row is None or row.confirmed_at is None:
                return False
            if self._fits(session, row, code):
                return True
            key = (user_id, _digest(user_id, code))
            kept = session.get(RecoveryCodeRow, key, with_for_update=True)
            if kept is None or kept.used_at is not None:
                return False
            kept.used_at = self._clock.now()
            return True

    def remove_app(self, actor: Actor) -> None:
        """Remove the acting person's app and their recovery codes.

        Raises:
            NotOnBehalf: Somebody acts in their name.
        """
        actor.require_self()
        with self._store.unit(SystemScope("users")) as session:
            _forget_app(session, actor.id)
            self._vault.remove(session, SYSTEM_TENANT, actor.id)
            _note(session, actor, "user.app_removed", actor.id)

    def reset(self, actor: Actor, user_id: str) -> None:
        """Remove every second factor of somebody who lost theirs.

        Raises:
            PermissionDenied: The actor may not manage users.
            UserInvalid: The person doesn't work for the actor's reseller alone.
        """
        actor.require_self()
        actor.require("users:write")
        with self._store.unit(SystemScope("users")) as session:
            found = view(session, one(session, user_id))
            mine = [tenant for tenant, _ in found.roles] == [actor.tenant_id]
            if not actor.may("tenants:write") and (not mine or found.operator):
                raise UserInvalid("user", "Ask the operator of the hub for this.")
            _forget_app(session, user_id)
            self._vault.remove(session, SYSTEM_TENANT, user_id)
            session.execute(delete(PasskeyRow).where(PasskeyRow.user_id == user_id))
            _note(session, actor, "user.factors_reset", user_id)

    def add_passkey(
        self, actor: Actor, *, name: str, credential: str, public_key: str, count: int
    ) -> Passkey:
        """Store a passkey that was verified.

        Args:
            actor: Its person.
            name: What they call it.
            credential: Its id, base64url.
            public_key: Its public key, base64url.
            count: How often it signed.

        Raises:
            NotOnBehalf: Somebody acts in their name.
            UserInvalid: It is known already.
        """
        actor.require_self()
        row = PasskeyRow(
            id=new_id("pky"),
            user_id=actor.id,
            credential=credential,
            public_key=public_key,
            sign_count=count,
            name=" ".join(name.split())[:80] or "Passkey",
            created_at=self._clock.now(),
        )
        with self._store.unit(SystemScope("users")) as session:
            if session.scalar(_by_credential(credential)) is not None:
                raise UserInvalid("passkey", "This passkey is known already.")
            session.add(row)
            session.flush()
            _note(session, actor, "user.passkey_added", actor.id)
            return _passkey(row)

    def remove_passkey(self, actor: Actor, passkey_id: str) -> bool:
        """Remove one of the acting person's passkeys; False when there is none.

        Raises:
            NotOnBehalf: Somebody acts in their name.
        """
        actor.require_self()
        with self._store.unit(SystemScope("users")) as session:
            row = session.get(PasskeyRow, passkey_id)
            if row is None or row.user_id != actor.id:
                return False
            session.delete(row)
            _note(session, actor, "user.passkey_removed", actor.id)
            return True

    def find_passkey(self, credential: str) -> Passkey | None:
        """Return the passkey with this id at its device, or None."""
        with self._store.read(SystemScope("sign-in")) as session:
            row = session.scalar(_by_credential(credential))
            return None if row is None else _passkey(row)

    def record_passkey(self, passkey_id: str, count: int) -> None:
        """Note that a passkey signed, and how often it says it did."""
        with self._store.unit(SystemScope("sign-in")) as session:
            row = session.get_one(PasskeyRow, passkey_id)
            row.sign_count, row.used_at = count, self._clock.now()

    def demand(self, actor: Actor, *, demanded: bool) -> None:
        """Demand a second factor of everybody at the actor's reseller, or stop it.

        Raises:
            PermissionDenied: The actor may not manage users.
        """
        actor.require("users:write")
        with self._store.unit(SystemScope("users")) as session:
            row = session.get(SignInRulesRow, actor.tenant_id)
            if row is None:
                row = SignInRulesRow(tenant_id=actor.tenant_id, second_factor=False)
                session.add(row)
            audit(
                session,
                actor,
                action="sign_in.second_factor_demanded",
                subject=("tenant", actor.tenant_id),
                before={"demanded": row.second_factor},
                after={"demanded": demanded},
            )
            row.second_factor = demanded

    def demanded(self, tenant_id: str) -> bool:
        """Return whether a reseller demands a second factor of everybody."""
        with self._store.read(SystemScope("sign-in")) as session:
            row = session.get(SignInRulesRow, tenant_id)
            return row is not None and row.second_factor

    def _fits(self, session: Session, row: TotpRow, code: str) -> bool:
        """Return whether it is the app's code, and no code up to it works again."""
        made = pyotp.TOTP(self._vault.get(session, _ref(row.user_id)))
        given = "".join(code.split())
        step = int(self._clock.now().timestamp()) // _STEP_SECONDS
        for near in (step - 1, step, step + 1):
            right = secrets.compare_digest(
                made.generate_otp(near).encode(), given.encode()
            )
            if right and near > row.last_step:
                row.last_step = near
                return True
        return False


def _ref(user_id: str) -> SecretRef:
    return SecretRef(SYSTEM_TENANT, user_id, "totp")


def _forget_app(session: Session, user_id: str) -> None:
    for table in (TotpRow, RecoveryCodeRow):
        session.execute(delete(table).where(table.user_id == user_id))


def _new_codes(session: Session, user_id: str) -> list[str]:
    session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.user_id == user_id))
    codes = [_code() for _ in range(CODES)]
    session.add_all(
        RecoveryCodeRow(user_id=user_id, digest=_digest(user_id, code))
        for code in codes
    )
    return codes


def _code() -> str:
    text = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(text[at : at + 4] for at in range(0, 16, 4))


def _digest(user_id: str, code: str) -> str:
    plain = "".join(code.lower().replace("-", "").split())
    return hashlib.sha256(f"{user_id}/{plain}".encode()).hexdigest()


def _by_credential(credential: str) -> Select[PasskeyRow]:
    return select(PasskeyRow).where(PasskeyRow.credential == credential)


def _note(session: Session, actor: Actor, action: str, user_id: str) -> None:
    audit(
        session,
        actor,
        action=action,
        subject=("user", user_id),
        before=None,
        after=None,
    )


def _passkey(row: PasskeyRow) -> Passkey:
    return Passkey(
        id=row.id,
        user_id=row.user_id,
        name=row.name,
        public_key=row.public_key,
        credential=row.credential,
        sign_count=row.sign_count,
        created_at=row.created_at,
        used_at=row.used_at,
    )
