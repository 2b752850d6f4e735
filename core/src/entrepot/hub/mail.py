"""Mails: through the operator's SMTP server, or into a folder."""

from __future__ import annotations

import logging
import smtplib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from enum import StrEnum
from pathlib import Path

from entrepot.store.ids import new_id
from entrepot.store.settings import Settings

TIMEOUT_SECONDS = 10
_PASSING = range(400, 500)  # replies that ask to try again later (RFC 5321, 4.2.1)
_log = logging.getLogger("entrepot.mail")


@dataclass(frozen=True, slots=True)
class KeptMail:
    """A mail that was written into the folder."""

    to: str
    subject: str
    text: str


class Outcome(StrEnum):
    """What became of a mail."""

    SENT = "sent"
    LATER = "later"  # certainly not sent; trying again may help
    REFUSED = "refused"  # certainly not sent, for good
    UNKNOWN = "unknown"  # the server was cut off while it took it


@dataclass(frozen=True, slots=True)
class Handed:
    """How handing over a mail ended, and why it did not go, in one sentence."""

    outcome: Outcome
    why: str = ""


class Mailer:
    """Sends mails as the hub's settings say.

    Args:
        settings: Where mails go.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def works(self) -> bool:
        """Whether mails get anywhere."""
        return bool(self._settings.mail_host or self._settings.mail_folder)

    @property
    def repeats(self) -> bool:
        """Whether handing the same mail over twice leaves one mail only."""
        return self._settings.mail_folder is not None

    def send(self, to: str, subject: str, text: str, at: datetime) -> bool:
        """Send a plain text mail; returns whether it was handed over.

        A failure is logged without the text: it may hold a link that lets somebody in.
        """
        done = self.hand_over(to, subject, text, at, key=new_id("mail"))
        if done.outcome is Outcome.SENT:
            return True
        _log.error("a mail to %s was not sent: %s", to, done.why)
        return False

    def hand_over(
        self, to: str, subject: str, text: str, at: datetime, *, key: str
    ) -> Handed:
        """Hand a plain text mail over, once.

        Args:
            to: The address.
            subject: One line.
            text: The body.
            at: The mail's date.
            key: Names the mail: in its Message-ID and in the folder, where a second
                mail of the same name replaces the first.

        Returns:
            What became of it; nothing is raised for a server that fails.
        """
        mail = EmailMessage()
        sender = self._settings.mail_from or "entrepot@localhost"
        mail["From"], mail["To"] = sender, to
        mail["Subject"], mail["Date"] = " ".join(subject.split()), at
        mail["Message-ID"] = f"<{key}@{sender.rpartition('@')[2].rstrip('>')}>"
        mail.set_content(text)
        if self._settings.mail_folder is not None:
            return _keep(self._settings.mail_folder, mail, key)
        if not self._settings.mail_host:
            return Handed(Outcome.LATER, "mail_host is not set")
        return self._transfer(mail)

    def kept(self, most: int = 10) -> list[KeptMail]:
        """Return the latest mails of the folder, newest first."""
        folder = self._settings.mail_folder
        if folder is None or not folder.is_dir():
            return []
        found = sorted(folder.glob("*.eml"), reverse=True)[:most]
        mails = [
            message_from_bytes(path.read_bytes(), policy=default) for path in found
        ]
        return [
            KeptMail(str(one["To"]), str(one["Subject"]), str(one.get_content()))
            for one in mails
        ]

    def _transfer(self, mail: EmailMessage) -> Handed:
        try:
            server = self._connected()
        except (OSError, smtplib.SMTPException) as error:
            return Handed(Outcome.LATER, _why(error))
        try:
            server.send_message(mail)
        except smtplib.SMTPServerDisconnected as error:
            return Handed(Outcome.UNKNOWN, _why(error))
        except smtplib.SMTPException as error:
            return Handed(_refusal(error), _why(error))
        except OSError as error:
            return Handed(Outcome.UNKNOWN, _why(error))
        finally:
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
            server.close()
        return Handed(Outcome.SENT)

    def _connected(self) -> smtplib.SMTP:
        known = self._settings
        server = smtplib.SMTP(known.mail_host, known.mail_port, timeout=TIMEOUT_SECONDS)
        try:
            if known.mail_tls:
                server.starttls()
            if known.mail_user:
                server.login(known.mail_user, known.mail_password)
        except BaseException:
            server.close()
            raise
        return server


def _keep(folder: Path, mail: EmailMessage, key: str) -> Handed:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        half = folder / f".{key}.part"
        half.write_bytes(bytes(mail))
        half.replace(folder / f"{key}.eml")
    except OSError as error:
        return Handed(Outcome.LATER, _why(error))
    return Handed(Outcome.SENT)


def _refusal(error: smtplib.SMTPException) -> Outcome:
    codes = [getattr(error, "smtp_code", 0)]
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
    passing = bool(codes) and all(code in _PASSING for code in codes)
    return Outcome.LATER if passing else Outcome.REFUSED


def _why(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
