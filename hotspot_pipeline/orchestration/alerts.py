"""The mail that a failed run sends, where the force names an address and the installation a mail host."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage

from hotspot_pipeline.settings import Force


def mail_failure(force: Force, server: str, job: str, run_id: str, reason: str) -> bool:
    """True when a mail went out. `server` is `host` or `host:port`; nothing is sent without it."""
    if not server or not force.alert_email:
        return False
    host, _, port = server.partition(":")
    message = EmailMessage()
    message["Subject"] = f"{force.name}: {job} failed"
    message["From"] = message["To"] = force.alert_email
    message.set_content(
        f"Run {run_id} of {job} failed.\n\n{reason}\n\nYesterday's tables stand as they were.\n"
    )
    with smtplib.SMTP(host, int(port or 25), timeout=30) as smtp:
        smtp.send_message(message)
    return True
