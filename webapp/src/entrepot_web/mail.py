"""Mails: through the operator's SMTP server, or into a folder."""

from __future__ import annotations

import logging
import smtplib
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from entrepot.store.ids import new_id
from entrepot.store.settings import Settings

TIMEOUT_SECONDS = 10
_log = logging.getLogger("entrepot.mail")


@dataclass(frozen=True, slots=True)
class KeptMail:
    """A mail that was written into the folder."""

    to: str
    subject: str
    text: str


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

    def send(self, to: str, subject: str, text: str, at: datetime) -> bool:
        """Send a plain text mail; returns whether it was handed over.

        A failure is logged without the text: it may hold a link that lets somebody in.
        """
        mail = EmailMessage()
        mail["From"] = self._settings.mail_from or "entrepot@localhost"
        mail["To"], mail["Subject"], mail["Date"] = to, subject, at
        mail.set_content(text)
        if self._settings.mail_folder is not None:
            return _keep(self._settings.mail_folder, mail)
        if not self._settings.mail_host:
            _log.warning("a mail to %s was not sent: mail_host is not set", to)
            return False
        try:
            self._hand_over(mail)
        except (OSError, smtplib.SMTPException) as error:
            _log.error("a mail to %s was not sent: %s", to, error)
            return False
        return True

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

    def _hand_over(self, mail: EmailMessage) -> None:
        known = self._settings
        with smtplib.SMTP(
            known.mail_host, known.mail_port, timeout=TIMEOUT_SECONDS
        ) as server:
            if known.mail_tls:
                server.starttls()
            if known.mail_user:
                server.login(known.mail_user, known.mail_password)
            server.send_message(mail)


def _keep(folder: Path, mail: EmailMessage) -> bool:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / f"{new_id('mail')}.eml").write_bytes(bytes(mail))
    return True
