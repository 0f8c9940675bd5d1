"""A receiver of webhooks whose answers depend on the path: some take everything, some nothing, some only what comes again."""

import http.server

from .server import Server

# What is answered to the first and to later attempts of a delivery.
ANSWERS = {"/ok": (200, 200), "/flaky": (500, 200), "/busy": (429, 200), "/dead": (500, 500), "/open": (503, 503), "/gone": (410, 410)}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        first, later = ANSWERS[self.path]
        self.send_response(first if self.headers.get("X-Webhook-Attempt") == "1" else later)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Receiver(Server):
    """On a free loopback port; use it in a `with` statement."""

    handler = Handler
