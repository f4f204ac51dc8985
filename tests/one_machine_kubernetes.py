"""A stand-in for the API of a Kubernetes cluster, for tests: each pod is a process on this machine.

It begins in an empty folder of its own, with the environment variables of its secret, and shares
no folder with the others. What it asks for in CPUs, memory and GPUs is written down and not held.
"""

import base64
import json
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{{name: here, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: me, user: {{}}}}]
contexts: [{{name: here, context: {{cluster: here, user: me}}}}]
current-context: here
"""
NAMED = re.compile(r"/namespaces/default/(?P<kind>secrets|jobs|pods)(?:/(?P<name>[^/?]+))?")


class Cluster:
    """Its pods.

    folder : of the pods' folders and logs
    environment : of a pod, as of its image
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]):
        self.folder = folder
        self.jobs: dict[str, dict[str, Any]] = {}
        self._environment = dict(environment)
        self._secrets: dict[str, dict[str, str]] = {}
        self._pods: dict[str, subprocess.Popen] = {}

    def create(self, kind: str, body: dict[str, Any]) -> None:
        name = body["metadata"]["name"]
        if kind == "secrets":
            values = (body.get("data") or {}).items()
            self._secrets[name] = {k: base64.b64decode(v).decode() for k, v in values}
            return
        (container,) = body["spec"]["template"]["spec"]["containers"]
        variables = {}
        for each in container.get("env", []):
            wanted = each["valueFrom"]["secretKeyRef"]
            variables[each["name"]] = self._secrets[wanted["name"]][wanted["key"]]
        workdir = self.folder / name
        workdir.mkdir(parents=True)
        self.jobs[name] = container
        with open(f"{workdir}.log", "w") as log:
            self._pods[name] = subprocess.Popen(
                [*container["command"], *container["args"]],
                cwd=workdir,
                env=self._environment | variables,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def status(self, name: str) -> dict[str, Any]:
        """Of a job, as far as it is asked for."""
        code = self._pods[name].poll()
        ended = {} if code is None else {"failed" if code else "succeeded": 1}
        return {"metadata": {"name": name}, "status": ended}

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def end(self) -> None:
        for pod in self._pods.values():
            pod.kill()
            pod.wait()


def _handler(cluster: Cluster) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self, found: Any) -> None:
            text = json.dumps(found).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            cluster.create(NAMED.search(self.path)["kind"], body)
            self._answer(body)

        def do_GET(self):
            asked = NAMED.search(self.path)
            # Of pods there is nothing to add to what is said of their jobs.
            self._answer(
                cluster.status(asked["name"]) if asked["kind"] == "jobs" else {"items": []}
            )

        def do_DELETE(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer({"status": "Success"})

        def log_message(self, *arguments):
            pass

    return Handler


@contextmanager
def cluster(folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[Cluster, Path]]:
    """Start one; with the file that KUBECONFIG is to name."""
    here = Cluster(folder / "pods", environment)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(here))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        config = folder / "kubeconfig"
        config.write_text(KUBECONFIG.format(port=server.server_port))
        yield here, config
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        here.end()
