"""The doorkeeper in front of a release's object store, from outside: put it there, give it rules, hear its news."""

import json
import string
import urllib.request
from pathlib import Path
from typing import Any

from live_cluster import Release, kubectl, wait_for

SCRIPT = Path(__file__).with_name("store_gate.py")
MANIFEST = Path(__file__).with_name("store_gate.yaml")


class GatedStore:
    """Stands between the object store and everybody else while the block runs."""

    def __init__(self, release: Release) -> None:
        self.release = release

    def __enter__(self) -> "GatedStore":
        (api_server,) = self.release.pods("api-server")
        text = string.Template(MANIFEST.read_text()).substitute(
            release=self.release.name, image=api_server.spec.containers[0].image
        )
        script = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "store-gate"}}
        self._kubectl("apply", "-f", "-", stdin=json.dumps(script | {"data": {SCRIPT.name: SCRIPT.read_text()}}))
        self._kubectl("apply", "-f", "-", stdin=text)
        self._kubectl("wait", "pod/store-gate", "--for=condition=Ready", "--timeout=180s")
        self._lead_to({"gate": "yes"})
        return self

    def __exit__(self, *_: object) -> None:
        self._lead_to({"gate": None})
        self._kubectl("delete", "pod/store-gate", "--ignore-not-found", "--grace-period=0", "--force")
        for kind, name in (("service", "store-behind-gate"), ("configmap", "store-gate")):
            self._kubectl("delete", kind, name, "--ignore-not-found")
        self._kubectl("delete", "networkpolicy", "store-gate", "store-behind-gate", "--ignore-not-found")

    def rule(self, name: str) -> dict[str, Any]:
        """What became of a rule: ``taken`` is the client it took a request of, ``gone`` whether that one is dead."""
        found: dict[str, Any] = next(rule for rule in self._news()["rules"] if rule["name"] == name)
        return found

    def commits(self) -> dict[str, int]:
        """How often each manifest was written, by path."""
        commits: dict[str, int] = self._news()["commits"]
        return commits

    def tell(self, **order: Any) -> None:
        """A rule's fields, or ``withdraw`` (a rule's name), or ``away_seconds``."""
        wait_for(lambda: self._ask(order) is not None, seconds=60, what="the gate")

    def _news(self) -> dict[str, Any]:
        return wait_for(lambda: self._ask(None), seconds=60, what="the gate")

    def _ask(self, order: dict[str, Any] | None) -> dict[str, Any] | None:
        port = self.release.forward_to("pod/store-gate", 7071)
        body = None if order is None else json.dumps(order).encode()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", data=body, timeout=20) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except OSError:
            return None

    def _kubectl(self, *words: str, stdin: str | None = None) -> str:
        return kubectl("-n", self.release.namespace, *words, stdin=stdin)

    def _lead_to(self, selector: dict[str, str | None]) -> None:
        patch = json.dumps({"spec": {"selector": selector}})
        service = f"{self.release.fullname}-object-store"
        self._kubectl("patch", "service", service, "--type=merge", "-p", patch)
