"""As much of Kubernetes' API as helm asks when a template looks something up, on this machine, without a cluster."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

RESOURCES = {"Namespace": "namespaces", "Secret": "secrets"}
NOT_FOUND = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
DISCOVERY: dict[str, dict[str, Any]] = {
    "/version": {"major": "1", "minor": "34", "gitVersion": "v1.34.0"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {
        "kind": "APIResourceList",
        "groupVersion": "v1",
        "resources": [
            {"name": name, "kind": kind, "namespaced": kind != "Namespace", "verbs": ["get"]}
            for kind, name in RESOURCES.items()
        ],
    },
}


@contextmanager
def kubernetes_api(objects: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    """Serves namespaces and secrets; yields the flags that make ``helm template`` ask here."""
    content = DISCOVERY | {path_of(found): dict(found) for found in objects}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # one connection for many questions
        wbufsize = -1  # and one packet an answer

        def do_GET(self) -> None:
            found = content.get(self.path.partition("?")[0])
            body = json.dumps(NOT_FOUND if found is None else found).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield "--dry-run=server", f"--kube-apiserver=http://127.0.0.1:{server.server_port}", "--kubeconfig=/dev/null"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def path_of(found: Mapping[str, Any]) -> str:
    metadata = found["metadata"]
    namespace = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    return f"/api/v1{namespace}/{RESOURCES[found['kind']]}/{metadata['name']}"


def namespace(name: str, *, release: str | None = None) -> dict[str, Any]:
    """A namespace; one that helm made belongs to a release."""
    annotations = {} if release is None else {"meta.helm.sh/release-name": release}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "annotations": annotations}}


def secret(name: str, *keys: str, namespace: str) -> dict[str, Any]:
    """A Secret with these keys."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": dict.fromkeys(keys, "eA==")}
