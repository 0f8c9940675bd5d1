"""Receives webhooks: python receiver.py PORT, with the endpoint's secret in WEBHOOK_SECRET (pip install standardwebhooks==1.1.0)."""
import os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from standardwebhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["WEBHOOK_SECRET"])

class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            event = webhook.verify(body, dict(self.headers))
        except (WebhookVerificationError, ValueError):
            return self.send_error(401)
        print(event["type"], event["id"], "attempt", self.headers.get("X-Webhook-Attempt"), flush=True)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        """One line for each event is enough."""

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
