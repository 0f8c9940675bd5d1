#!/usr/bin/env python3
"""Attacks the service as those do who reach its port, and checks that others are served meanwhile.

Usage: check_hostile.py [--only WORD]

  --only WORD  only attacks whose name contains it

Starts the service (REDUNDANCY_BIN) twice, in clear and with TLS, and nginx in front of it, on free loopback ports in a temporary folder. While
an attack runs, an ordinary client asks for health and small analyses: all have to be answered, 99 of 100 within a second. Behind each
attack the memory that was taken has to be within its bound, and all descriptors have to be given back. Nothing but this machine is attacked.
"""
import argparse
import contextlib
import pathlib
import resource
import shutil
import sys
import tempfile
import time

from hostile import http2, large, slow, smuggling, stand, tls
from monitoring.processes import certificate

# Unless it takes a connection or a body for a good reason.
MEMORY = 64 * stand.MIB
# 1,200 connections with their buffers.
MEMORY_OF_CONNECTIONS = 160 * stand.MIB
# As many bodies as are unpacked at a time, each up to its cap while it grows.
MEMORY_OF_BODIES = 192 * stand.MIB
# What all bodies together may take, and what stands around it.
MEMORY_OF_ALL_BODIES = 320 * stand.MIB


def attacks(nginx):
    """Name, work, memory; first those in clear, then those against TLS."""
    in_clear = [
        ("slow heads", slow.heads, MEMORY_OF_CONNECTIONS),
        ("slow bodies", slow.bodies, MEMORY_OF_CONNECTIONS),
        ("bodies that are held", slow.held_bodies, MEMORY_OF_ALL_BODIES),
        ("short lines that are held", slow.short_lines, MEMORY),
        ("slow streams", slow.lines, MEMORY_OF_CONNECTIONS),
        ("readers that do not read", slow.readers, MEMORY),
        ("answers that are held", slow.holders_of_answers, MEMORY_OF_ALL_BODIES),
        ("declared lengths", large.declared, MEMORY),
        ("chunked bodies", large.chunked, MEMORY),
        ("endless lines", large.endless_lines, MEMORY),
        ("decompression bombs", large.bodies_of_bombs, MEMORY_OF_BODIES),
        ("decompression bombs in streams", large.streams_of_bombs, MEMORY_OF_BODIES),
        ("floods of headers", large.heads, MEMORY),
        ("smuggled requests", smuggling.direct, MEMORY),
        ("smuggled requests behind nginx", nginx.probes, MEMORY),
    ] + [(f"http2 {attack.__name__.replace('_', ' ')}", attack, MEMORY) for attack in http2.ATTACKS]
    encrypted = [(f"tls {attack.__name__.replace('_', ' ')}", attack, MEMORY_OF_CONNECTIONS) for attack in tls.ATTACKS]
    encrypted += [(f"tls http2 {attack.__name__.replace('_', ' ')}", attack, MEMORY) for attack in (http2.rapid_reset, http2.continuation)]
    return in_clear, encrypted


def run(service, chosen):
    """Does what was chosen, and gives the names of what failed."""
    failed = []
    if not chosen:
        return failed
    # Whatever is done for the first time takes longer.
    stand.quiet(service)
    quiet = stand.quiet(service)
    descriptors = service.descriptors()
    most_seconds = max(stand.P99_SECONDS, stand.P99_OF_QUIET * quiet)
    print(f"nobody attacks: others: p99 {quiet * 1000:.0f} ms; during attacks it may be {most_seconds:.1f} s", flush=True)
    for name, attack, memory in chosen:
        began = time.monotonic()
        try:
            print(f"{name}: {stand.under(service, attack, memory, most_seconds)} [{time.monotonic() - began:.0f} s]", flush=True)
        except stand.Failed as error:
            print(f"FAILED {name}: {error}", flush=True)
            failed.append(name)
            # What it left must not be taken for the work of the next one.
            with contextlib.suppress(stand.Failed):
                stand.until("", lambda: service.descriptors() <= descriptors + stand.DESCRIPTORS_BESIDE, stand.PATIENCE_SECONDS)
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="WORD")
    only = parser.parse_args().only
    for needed in ("nginx", "openssl", "node", "zstd"):
        if not shutil.which(needed):
            sys.exit(f"check_hostile: {needed} is needed; scripts/test installs it")
    # Each connection of the attacks is a descriptor here as well.
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        with stand.Service(folder) as service, smuggling.Nginx(folder, service) as nginx:
            with stand.Service(folder, "encrypted", certificate(folder / "certificate")) as encrypted:
                for which, chosen in zip((service, encrypted), attacks(nginx)):
                    failed += run(which, [one for one in chosen if only in one[0]])
    if failed:
        sys.exit(f"check_hostile: {len(failed)} attacks do what they should not: {', '.join(failed)}")
    print("hostile clients are turned away, and others are served meanwhile")


if __name__ == "__main__":
    main()
