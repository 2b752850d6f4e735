"""The hub's keys: where they come from and how they rotate.

A key is written ``purpose:id:base64`` with 32 random bytes. The first key of a
purpose is the one in use; the others still open what was sealed with them.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from entrepot.store.settings import Settings, SettingsInvalid

ENCRYPTION = "encryption"
SESSIONS = "sessions"
TOKENS = "tokens"
WEBHOOKS = "webhooks"
PURPOSES = (ENCRYPTION, SESSIONS, TOKENS, WEBHOOKS)

_BYTES = 32
_REMEDY = (
    "Make a set with `entrepot secrets new-keys` and give it to every process in "
    "ENTREPOT_KEYS or ENTREPOT_KEYS_FILE."
)


@dataclass(frozen=True, slots=True)
class Key:
    """One key of one purpose; its material never shows in a repr."""

    purpose: str
    id: str
    material: bytes = field(repr=False)

    def text(self) -> str:
        """Return the key as it is written into settings. Secret."""
        encoded = base64.urlsafe_b64encode(self.material).decode()
        return f"{self.purpose}:{self.id}:{encoded}"


class UnknownKey(LookupError):
    """Something was sealed with a key that this hub doesn't have."""

    def __init__(self, purpose: str, key_id: str) -> None:
        super().__init__(
            f"The {purpose} key {key_id!r} is missing. Put it back into "
            "ENTREPOT_KEYS behind the newer ones until everything is rotated."
        )
        self.key_id = key_id


class Keyring:
    """All keys of a hub.

    Args:
        keys: Newest first within each purpose.

    Raises:
        SettingsInvalid: A purpose has no key, or two keys share purpose and id.
    """

    def __init__(self, keys: Iterable[Key]) -> None:
        self._keys: dict[str, list[Key]] = {purpose: [] for purpose in PURPOSES}
        for key in keys:
            if any(other.id == key.id for other in self._keys[key.purpose]):
                raise SettingsInvalid(
                    "keys",
                    f"the {key.purpose} key {key.id!r} is given twice.",
                    "Every key needs an id of its own.",
                )
            self._keys[key.purpose].append(key)
        missing = [purpose for purpose, found in self._keys.items() if not found]
        if missing:
            raise SettingsInvalid("keys", f"no key for {', '.join(missing)}.", _REMEDY)

    def current(self, purpose: str) -> Key:
        """Return the key to seal and sign with."""
        return self._keys[purpose][0]

    def all(self, purpose: str) -> tuple[Key, ...]:
        """Return every key of a purpose, the current one first."""
        return tuple(self._keys[purpose])

    def get(self, purpose: str, key_id: str) -> Key:
        """Return the key with this id.

        Raises:
            UnknownKey: There is none.
        """
        for key in self._keys[purpose]:
            if key.id == key_id:
                return key
        raise UnknownKey(purpose, key_id)


def new_keys() -> tuple[Key, ...]:
    """Return one fresh key for every purpose."""
    return tuple(
        Key(purpose, secrets.token_hex(4), secrets.token_bytes(_BYTES))
        for purpose in PURPOSES
    )


def parse_key(text: str) -> Key:
    """Return the key written in ``text``.

    Raises:
        SettingsInvalid: It isn't ``purpose:id:base64`` of 32 bytes.
    """
    purpose, _, rest = text.strip().partition(":")
    key_id, _, encoded = rest.partition(":")
    try:
        material = base64.urlsafe_b64decode(encoded)
    except (binascii.Error, ValueError):
        material = b""
    if purpose not in PURPOSES or not key_id or len(material) != _BYTES:
        # The text isn't quoted: it may be a key with a slip in it.
        raise SettingsInvalid(
            "keys",
            "an entry isn't purpose:id:base64 with 32 bytes, purpose one of "
            f"{', '.join(PURPOSES)}.",
            _REMEDY,
        )
    return Key(purpose, key_id, material)


def load_keyring(settings: Settings) -> Keyring:
    """Return the hub's keys.

    On SQLite a key file is made in the data folder when nothing is set: database
    and keys then live on one machine anyway.

    Raises:
        SettingsInvalid: Keys are missing or wrong; on PostgreSQL none are made up,
            because every process must have the same.
    """
    if settings.keys:
        return Keyring(map(parse_key, settings.keys))
    path = settings.keys_file
    if path is None and settings.database_kind == "sqlite":
        path = settings.data_dir / "keys"
        if not path.exists():
            write_key_file(path, new_keys())
    if path is None:
        raise SettingsInvalid("keys", "PostgreSQL needs keys from settings.", _REMEDY)
    return Keyring(map(parse_key, _lines(path)))


def write_key_file(path: Path, keys: Iterable[Key]) -> None:
    """Write keys to a file that only its owner can read.

    The first of two processes wins; the other one then reads what it wrote.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as stream:
        stream.write("".join(f"{key.text()}\n" for key in keys))
        stream.flush()
        os.fsync(stream.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()


def _lines(path: Path) -> list[str]:
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise SettingsInvalid(
            "keys_file", f"{path} can't be read: {error.strerror}.", _REMEDY
        ) from error
    return [line for line in lines if line.strip() and not line.startswith("#")]
