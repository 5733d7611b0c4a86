"""The mail of a failed run: only where both ends are named, and with nothing in it that is not ours."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hotspot_pipeline.orchestration.alerts import mail_failure
from hotspot_pipeline.settings import Force

FORCE = Force("aldershire", "Aldershire Police", Path("x"), alert_email="night@aldershire.example")


class MailHost(socketserver.ThreadingTCPServer):
    """Takes one mail as a mail host does (RFC 5321, the few commands that are needed)."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        self.lines: list[str] = []
        super().__init__(("127.0.0.1", 0), _Talk)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class _Talk(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        host = self.server
        assert isinstance(host, MailHost)
        self.wfile.write(b"220 ready\r\n")
        is_data = False
        for raw in self.rfile:
            line = raw.decode().rstrip("\r\n")
            host.lines.append(line)
            if is_data:
                is_data = line != "."
                answer = b"" if is_data else b"250 taken\r\n"
            elif line.upper() == "DATA":
                is_data, answer = True, b"354 go on\r\n"
            elif line.upper() == "QUIT":
                answer = b"221 bye\r\n"
            else:
                answer = b"250 ok\r\n"
            self.wfile.write(answer)


@pytest.fixture
def host() -> Iterator[MailHost]:
    with MailHost() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_mail_goes_to_the_address_of_the_force(host: MailHost) -> None:
    assert mail_failure(FORCE, host.address, "aldershire__weekly", "7f3a", "Steps failed: x") is True  # fmt: skip
    text = "\n".join(host.lines)
    assert "Subject: Aldershire Police: aldershire__weekly failed" in text
    assert "To: night@aldershire.example" in text
    assert "Run 7f3a of aldershire__weekly failed." in text
    assert "Steps failed: x" in text
    assert "Yesterday's tables stand as they were." in text


def test_nothing_goes_out_unless_both_ends_are_named(host: MailHost) -> None:
    assert mail_failure(FORCE, "", "job", "id", "reason") is False
    assert mail_failure(replace(FORCE, alert_email=None), host.address, "job", "id", "x") is False
    assert host.lines == []


def test_a_name_cannot_write_headers(host: MailHost) -> None:
    with pytest.raises(ValueError):
        mail_failure(replace(FORCE, name="A\nBcc: x@evil.example"), host.address, "job", "id", "x")
    assert host.lines == []
