"""A receiver of webhooks whose answers depend on the path: some take everything, some nothing, some only what comes again."""

import http.server
import threading

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


class Receiver:
    """On a free loopback port; use it in a `with` statement."""

    handler = Handler

    def __enter__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def url(self, path):
        return f"http://127.0.0.1:{self.server.server_address[1]}{path}"
