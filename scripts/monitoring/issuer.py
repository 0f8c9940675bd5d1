"""An issuer of tokens with one key: it publishes the public part, and signs for whoever asks it here."""
import base64
import http.server
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .server import Server

AUDIENCE = "redundancy"
# In the year 2100: no run of the checks takes so long.
ENDS = 4_102_444_800


def encoded(part):
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


class Issuer(Server):
    """On a free loopback port; use it in a `with` statement."""

    def __init__(self):
        self.key = Ed25519PrivateKey.generate()
        public = encoded(self.key.public_key().public_bytes_raw())
        keys = json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "use": "sig", "x": public}]}).encode()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(keys)))
                self.end_headers()
                self.wfile.write(keys)

            def log_message(self, *_):
                pass

        self.handler = Handler

    def token(self):
        """A token whose holder may do everything."""
        head = {"alg": "EdDSA", "kid": "a"}
        claims = {"sub": "operator", "aud": AUDIENCE, "exp": ENDS, "scope": "admin"}
        signed = ".".join(encoded(json.dumps(part).encode()) for part in (head, claims))
        return f"{signed}.{encoded(self.key.sign(signed.encode()))}"
