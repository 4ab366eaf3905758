"""An S3 server's doorkeeper: forwards requests, counts manifests, and holds a request until its client is dead.

Runs as a pod in front of the object store, so it needs nothing but Python. Rules come and news go over a second port.
"""

import http.client
import json
import os
import re
import select
import socket
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOLD_SECONDS = 120.0


@dataclass
class Rule:
    """Takes the first request that fits, of a client that no rule has taken from, and notes who it was."""

    name: str
    method: str
    path: str  # a regular expression
    hold: str  # "before" or "after" it is forwarded, until the client is gone
    taken: str = ""  # the client's address
    gone: bool = False


@dataclass
class Gate:
    """What all connections share."""

    upstream: str
    rules: list[Rule] = field(default_factory=list)
    commits: Counter[str] = field(default_factory=Counter)  # manifests written, by path
    away_until: float = 0.0
    known: set[str] = field(default_factory=set)  # clients that a rule has taken from
    lock: threading.Lock = field(default_factory=threading.Lock)

    def rule_for(self, method: str, path: str, client: str) -> Rule | None:
        """The rule that takes this request; each takes one."""
        with self.lock:
            for rule in self.rules:
                if rule.taken or client in self.known:
                    continue
                if rule.method == method and re.search(rule.path, path):
                    rule.taken = client
                    self.known.add(client)
                    return rule
        return None


def wait_until_gone(connection: socket.socket) -> bool:
    """Whether the client at the other end went away while its request was held."""
    deadline = time.monotonic() + HOLD_SECONDS
    while time.monotonic() < deadline:
        readable, _, _ = select.select([connection], [], [], 0.2)
        try:
            if readable and not connection.recv(1, socket.MSG_PEEK):
                return True
        except OSError:
            return True
    return False


def forwarder(gate: Gate) -> type[BaseHTTPRequestHandler]:
    """The handler of the store's port."""

    class Forwarder(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            """One request, there and back."""
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = self.path.partition("?")[0]
            if time.monotonic() < gate.away_until:
                self._answer(503, [("Content-Length", "0")], b"")
                return
            rule = gate.rule_for(self.command, path, self.client_address[0])
            if rule is not None and rule.hold == "before":
                self._hold(rule)
                return
            status, headers, content = self._ask(body)
            if self.command == "PUT" and path.endswith("/manifest.json") and status < 300:
                with gate.lock:
                    gate.commits[path] += 1
            if rule is not None and rule.hold == "after":
                self._hold(rule)
                return
            self._answer(status, headers, content)

        def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            upstream = http.client.HTTPConnection(gate.upstream, timeout=120)
            try:
                upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() not in ("connection", "expect"):
                        upstream.putheader(name, value)
                upstream.endheaders(body)
                response = upstream.getresponse()
                content = response.read()
                headers = [
                    (n, v) for n, v in response.getheaders() if n.lower() not in ("connection", "transfer-encoding")
                ]
                if self.command != "HEAD" and not any(name.lower() == "content-length" for name, _ in headers):
                    headers.append(("Content-Length", str(len(content))))
                return response.status, headers, content
            finally:
                upstream.close()

        def _hold(self, rule: Rule) -> None:
            rule.gone = wait_until_gone(self.connection)
            self.close_connection = True

        def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, *_: Any) -> None: ...

    for method in ("GET", "PUT", "POST", "HEAD", "DELETE"):
        setattr(Forwarder, f"do_{method}", Forwarder.forward)
    return Forwarder


def controller(gate: Gate) -> type[BaseHTTPRequestHandler]:
    """The handler of the second port: GET tells what happened; POST adds or withdraws rules, or closes the store."""

    class Controller(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with gate.lock:
                self._send({"rules": [vars(rule) for rule in gate.rules], "commits": gate.commits})

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with gate.lock:
                if "away_seconds" in asked:
                    gate.away_until = time.monotonic() + asked["away_seconds"]
                elif "withdraw" in asked:
                    gate.rules = [rule for rule in gate.rules if rule.name != asked["withdraw"]]
                else:
                    gate.rules.append(Rule(**asked))
            self._send({})

        def _send(self, content: Any) -> None:
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    return Controller


def main() -> None:
    """Serves until it is killed."""
    gate = Gate(upstream=os.environ["UPSTREAM"])
    port, control_port = int(sys.argv[1]), int(sys.argv[2])
    threading.Thread(
        target=ThreadingHTTPServer(("", control_port), controller(gate)).serve_forever, daemon=True
    ).start()
    ThreadingHTTPServer(("", port), forwarder(gate)).serve_forever()


if __name__ == "__main__":
    main()
