"""A web server on this machine that answers as it is told, also as a proxy for other addresses."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Cut:
    """An answer that ends, or stands still for some seconds, in the middle of its content."""

    content: bytes
    stall: float = 0


@dataclass
class Server:
    """The server's address, its answers by path, and the paths it was asked for.

    Answers are given in turn, the last one again and again: content, a `Cut`, or an error's number.
    """

    url: str
    answers: dict[str, list[bytes | Cut | int]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@contextmanager
def serve() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.asked.append(self.path)
            answers = server.answers.get(self.path, [404])
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            if isinstance(answer, int):
                self.send_error(answer)
                return
            content = answer.content if isinstance(answer, Cut) else answer
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if isinstance(answer, Cut):
                self.wfile.write(content[: len(content) // 2])
                time.sleep(answer.stall)
            else:
                self.wfile.write(content)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server = Server(f"http://127.0.0.1:{http.server_port}")
        thread = threading.Thread(target=http.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
