"""A mail server of a few lines that answers as told: the real client speaks to it over a real socket."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Server:
    """What it answers to the recipient and to the mail, and what it was given."""

    recipient: str = "250 fine"
    data: str = "250 kept"
    mails: list[str] = field(default_factory=list)
    port: int = 0


class Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server: Any = self.server
        told: Server = server.told
        self.say("220 here")
        while line := self.rfile.readline().decode().strip():
            verb = line[:4].upper()
            if verb == "RCPT":
                self.say(told.recipient)
            elif verb == "DATA":
                self.say("354 go on")
                told.mails.append("".join(iter(lambda: self.rfile.readline().decode(), ".\r\n")))
                self.say(told.data)
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 fine")

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def mail_server() -> Iterator[Server]:
    told = Server()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Conversation) as server:
        server.told = told  # type: ignore[attr-defined]
        server.daemon_threads = True
        told.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()
