"""What is tried again, what is not, and what is never followed."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import urllib.request
from collections.abc import Callable
from http.client import HTTPMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

import pytest

from hotspot_pipeline.raw.fetching.errors import FetchError, RefusedError
from hotspot_pipeline.raw.fetching.remote_file import probe, read_range
from hotspot_pipeline.raw.fetching.transport import RetryPolicy, SafeRedirects, Transport, shown

if TYPE_CHECKING:
    from hotspot_pipeline_tests.unit.raw.fetching.conftest import ArchiveServer, Fault

BODY = bytes(range(256)) * 4000


def transport(delays: list[float] | None = None, **policy: float) -> Transport:
    settings = {"timeout_s": 5.0, "max_retries": 3, "backoff_s": 1.0, **policy}
    sleep = (lambda s: None) if delays is None else delays.append
    return Transport(RetryPolicy(**settings), sleep)  # type: ignore[arg-type]


def test_probe_learns_address_length_and_ranges(server: ArchiveServer) -> None:
    bucket = server.publish("2026-07", BODY)
    link = transport()
    remote = probe(link, server.url + "/data/archive/latest.zip")
    assert remote.final_url == server.url + bucket
    assert (remote.n_bytes, remote.has_ranges) == (len(BODY), True)
    assert link.n_bytes_downloaded == 1 == server.n_bytes_sent

    server.ranges = "none"
    remote = probe(link, server.url + "/data/archive/latest.zip")
    assert (remote.n_bytes, remote.has_ranges) == (len(BODY), False)
    assert link.n_bytes_downloaded == 1


def test_server_errors_are_retried_with_growing_waits(
    server: ArchiveServer, fault: type[Fault]
) -> None:
    server.files["/x.zip"] = BODY
    server.faults["/x.zip"].extend([fault("status", 503), fault("status", 500)])
    delays: list[float] = []
    assert probe(transport(delays), server.url + "/x.zip").n_bytes == len(BODY)
    assert len(delays) == 2
    assert 1.0 <= delays[0] <= 1.25
    assert 2.0 <= delays[1] <= 2.5


def test_retry_after_is_honoured_up_to_a_minute(server: ArchiveServer, fault: type[Fault]) -> None:
    server.files["/x.zip"] = BODY
    server.faults["/x.zip"].extend(
        [
            fault("status", 429, headers={"Retry-After": "7"}),
            fault("status", 503, headers={"Retry-After": "86400"}),
            fault("status", 503, headers={"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}),
        ]
    )
    delays: list[float] = []
    probe(transport(delays), server.url + "/x.zip")
    assert delays[:2] == [7.0, 60.0]
    assert 4.0 <= delays[2] <= 5.0


def test_retries_are_bounded_and_the_error_says_what_to_do(
    server: ArchiveServer, fault: type[Fault]
) -> None:
    server.files["/x.zip"] = BODY
    server.faults["/x.zip"].extend(fault("status", 503) for _ in range(10))
    with pytest.raises(FetchError, match=r"/x\.zip: gave up after 4 tries.*503.*HTTPS_PROXY"):
        probe(transport(), server.url + "/x.zip")
    assert len(server.seen) == 4


def test_refusals_are_not_retried(server: ArchiveServer) -> None:
    with pytest.raises(RefusedError, match="404"):
        probe(transport(), server.url + "/nothing.zip")
    assert len(server.seen) == 1


@pytest.mark.parametrize("kind", ["drop", "reset"])
def test_a_broken_connection_is_taken_up_where_it_broke(
    server: ArchiveServer, fault: type[Fault], kind: str
) -> None:
    server.files["/x.zip"] = BODY
    link = transport()
    remote = probe(link, server.url + "/x.zip")
    server.faults["/x.zip"].extend([fault(kind, after=300_000), fault(kind, after=0)])  # type: ignore[arg-type]
    counted: list[int] = []
    assert read_range(link, remote, 1_000, 900_000, counted.append) == BODY[1_000:900_000]
    assert sum(counted) == 899_000
    second = server.seen[2].range
    assert second is not None
    resumed_at = int(second.removeprefix("bytes=").split("-")[0])
    # A reset may throw away what was on its way, a clean end may not.
    assert 1_000 <= resumed_at <= 301_000
    if kind == "drop":
        assert resumed_at == 301_000
        assert server.n_bytes_sent == 1 + 899_000


def test_silence_counts_as_failure(server: ArchiveServer, fault: type[Fault]) -> None:
    server.files["/x.zip"] = BODY
    link = transport(timeout_s=0.2)
    remote = probe(link, server.url + "/x.zip")
    server.faults["/x.zip"].append(fault("stall", after=10_000))
    assert read_range(link, remote, 0, 50_000) == BODY[:50_000]
    assert server.seen[2].range == "bytes=10000-49999"


def test_nobody_listening_is_retried_then_reported() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    delays: list[float] = []
    with pytest.raises(FetchError, match=r"refused.*reaches 127\.0\.0\.1"):
        probe(transport(delays), f"http://127.0.0.1:{port}/x.zip")
    assert len(delays) == 3


def test_long_download_may_break_more_often_than_the_retries_if_it_moves_on(
    server: ArchiveServer, fault: type[Fault]
) -> None:
    body = bytes(5 * 1024 * 1024)
    server.files["/x.zip"] = body
    link = transport(max_retries=1)
    remote = probe(link, server.url + "/x.zip")
    server.faults["/x.zip"].extend(fault("drop", after=1024 * 1024) for _ in range(4))
    assert read_range(link, remote, 0, len(body)) == body
    server.faults["/x.zip"].extend(fault("drop", after=1000) for _ in range(4))
    with pytest.raises(FetchError, match="gave up after 2 tries"):
        read_range(link, remote, 0, len(body))


def test_file_that_changes_while_it_is_read_is_not_stitched_together(
    server: ArchiveServer, fault: type[Fault]
) -> None:
    server.files["/x.zip"] = BODY
    link = transport()
    remote = probe(link, server.url + "/x.zip")
    server.etags["/x.zip"] = '"another"'
    with pytest.raises(FetchError, match="changed"):
        read_range(link, remote, 0, 10)
    del server.etags["/x.zip"]
    server.files["/x.zip"] = BODY + b"more"
    server.has_validators = False
    with pytest.raises(FetchError, match="changed"):
        read_range(link, remote, 0, 10)


def test_expired_address_is_renewed_at_its_source(
    server: ArchiveServer, fault: type[Fault]
) -> None:
    bucket = server.publish("2026-07", BODY)
    link = transport()
    remote = probe(link, server.url + "/data/archive/2026-07.zip")
    server.faults[bucket].append(fault("status", 403))
    assert read_range(link, remote, 5, 50) == BODY[5:50]
    server.faults[bucket].extend([fault("status", 403), fault("status", 403)])
    with pytest.raises(RefusedError, match="403"):
        read_range(link, remote, 5, 50)


def test_web_page_instead_of_a_file_is_named(server: ArchiveServer) -> None:
    server.files["/x.zip"] = b"<html>Please sign in</html>"
    server.content_types["/x.zip"] = "text/html; charset=utf-8"
    with pytest.raises(FetchError, match="web page"):
        probe(transport(), server.url + "/x.zip")


def test_encoded_body_is_refused(server: ArchiveServer, fault: type[Fault]) -> None:
    server.files["/x.zip"] = BODY
    server.faults["/x.zip"].append(fault("headers", headers={"Content-Encoding": "gzip"}))
    with pytest.raises(FetchError, match="encoding 'gzip'"):
        probe(transport(), server.url + "/x.zip")


@pytest.mark.parametrize("target", ["ftp://127.0.0.1/x.zip", "file:///etc/hostname", "data:,x"])
def test_redirects_stay_within_http(server: ArchiveServer, target: str) -> None:
    server.redirects["/x.zip"] = target
    with pytest.raises(FetchError):
        probe(transport(), server.url + "/x.zip")
    assert len(server.seen) == 1


def test_redirect_from_https_to_http_is_refused() -> None:
    request = urllib.request.Request("https://a.example/x.zip")
    with pytest.raises(FetchError, match="never from https to http"):
        SafeRedirects().redirect_request(
            request, BytesIO(), 302, "Found", HTTPMessage(), "http://b.example/x.zip"
        )
    followed = SafeRedirects().redirect_request(
        request, BytesIO(), 302, "Found", HTTPMessage(), "https://b.example/x.zip"
    )
    assert followed is not None
    assert followed.full_url == "https://b.example/x.zip"


def test_redirects_in_a_circle_end(server: ArchiveServer) -> None:
    server.redirects["/a.zip"] = server.url + "/b.zip"
    server.redirects["/b.zip"] = server.url + "/a.zip"
    with pytest.raises(FetchError, match="in a circle"):
        probe(transport(), server.url + "/a.zip")
    assert len(server.seen) < 25


def test_range_is_kept_over_a_redirect(server: ArchiveServer) -> None:
    server.publish("2026-07", BODY)
    probe(transport(), server.url + "/data/archive/2026-07.zip")
    assert [seen.range for seen in server.seen] == ["bytes=0-0", "bytes=0-0"]


def test_proxy_from_the_environment_is_used(
    server: ArchiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A proxy is asked with the whole address; this one knows only the one of a host that is not.
    server.files["http://archive.invalid/x.zip"] = BODY
    monkeypatch.setenv("http_proxy", server.url)
    assert probe(transport(), "http://archive.invalid/x.zip").n_bytes == len(BODY)
    assert server.seen[0].path == "http://archive.invalid/x.zip"


def test_no_proxy_is_honoured(server: ArchiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.files["/x.zip"] = BODY
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert probe(transport(), server.url + "/x.zip").n_bytes == len(BODY)


@pytest.fixture
def refusing_proxy() -> object:
    """A proxy that refuses to connect anywhere, as one does that wants a password."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_CONNECT(self) -> None:
            self.send_response(407, "Proxy Authentication Required")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            self.do_CONNECT()

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=proxy.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{proxy.server_address[1]}"
    proxy.shutdown()
    proxy.server_close()


@pytest.mark.usefixtures("server")
def test_proxy_that_wants_a_password_is_named(
    refusing_proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", refusing_proxy)
    monkeypatch.setenv("http_proxy", refusing_proxy)
    delays: list[float] = []
    with pytest.raises(FetchError, match=r"proxy refuses to connect.*407"):
        probe(transport(delays), "https://archive.invalid/x.zip")
    with pytest.raises(FetchError, match="user name and password"):
        probe(transport(delays), "http://archive.invalid/x.zip")
    assert delays == []


def test_signatures_stay_out_of_messages(server: ArchiveServer) -> None:
    with pytest.raises(RefusedError) as caught:
        probe(transport(), server.url + "/x.zip?X-Amz-Signature=secret")
    assert "secret" not in str(caught.value)
    assert shown("https://h:8/a/b.zip?x=1#y") == "https://h:8/a/b.zip"


def test_policy_must_make_sense() -> None:
    for policy in ({"timeout_s": 0.0}, {"max_retries": -1}, {"backoff_s": -1.0}):
        with pytest.raises(FetchError, match="timeout"):
            RetryPolicy(**policy)


@pytest.fixture
def tls_server(server: ArchiveServer, tmp_path: Path) -> Callable[[], Path]:
    """Turn the server into an HTTPS one with a certificate nobody has signed; gives its file."""
    if which("openssl") is None:
        pytest.skip("the openssl command, which makes the test's certificate, is not installed")

    def start() -> Path:
        certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
        command = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
        command += ["-keyout", str(key), "-out", str(certificate)]
        subprocess.run(["openssl", *command], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.wrap_tls(context)
        return certificate

    return start


def test_certificates_are_checked(
    server: ArchiveServer, tls_server: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = tls_server()
    server.files["/x.zip"] = BODY
    url = f"https://127.0.0.1:{server.port}/x.zip"
    delays: list[float] = []
    with pytest.raises(FetchError, match=r"not trusted.*SSL_CERT_FILE"):
        probe(transport(delays), url)
    assert (delays, server.seen) == ([], [])

    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert probe(transport(), url).n_bytes == len(BODY)

    server.redirects["/down.zip"] = f"http://127.0.0.1:{server.port}/x.zip"
    with pytest.raises(FetchError, match="never from https to http"):
        probe(transport(), f"https://127.0.0.1:{server.port}/down.zip")
