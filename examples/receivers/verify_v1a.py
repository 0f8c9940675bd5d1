"""Verifies v1a signatures with nothing but the endpoint's public key (pip install cryptography==50.0.2).

Usage: verify_v1a.py whpk_... < CASE, a JSON object with webhook-id, webhook-timestamp, webhook-signature and body.
"""
import base64, json, sys, time
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

def verify(public_key, webhook_id, timestamp, signatures, body, now=None):
    """Whether one of the signatures was made over the body, less than five minutes from now."""
    if abs((time.time() if now is None else now) - int(timestamp)) > 300:
        return False
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key.removeprefix("whpk_")))
    for signature in signatures.split(" "):
        scheme, _, code = signature.partition(",")
        try:
            if scheme == "v1a":
                key.verify(base64.b64decode(code), f"{webhook_id}.{timestamp}.".encode() + body)
                return True
        except (InvalidSignature, ValueError):
            pass
    return False

if __name__ == "__main__":
    case = json.load(sys.stdin)
    headers = [case[f"webhook-{name}"] for name in ("id", "timestamp", "signature")]
    genuine = verify(sys.argv[1], *headers, case["body"].encode())
    sys.exit(0 if genuine else "not genuine")
