"""Reads the public texts that the evaluation runs on: JSON lines, compressed with zstd, in a folder beside the
repository. What is in each file and where it comes from is written in README.md."""

import hashlib
import json
import pathlib
import re
import subprocess

DEFAULT_FOLDER = pathlib.Path(__file__).resolve().parents[2] / "shared" / "data"


class Texts:
    """One folder of texts. Remembers which files were read, so that a report can name them."""

    def __init__(self, folder=DEFAULT_FOLDER):
        self.folder = pathlib.Path(folder)
        self.used = set()

    def documents(self, name):
        """Every document of one file, in order, as a dict."""
        path = self.folder / f"{name}.jsonl.zst"
        self.used.add(path)
        with subprocess.Popen(["zstd", "-dc", "--long=27", str(path)], stdout=subprocess.PIPE) as zstd:
            yield from map(json.loads, zstd.stdout)
        if zstd.returncode:
            raise RuntimeError(f"zstd could not read {path}")

    def digests(self):
        """(name, first 16 hexadecimal digits of SHA-256) of every file that was read."""
        return [(path.name, hashlib.sha256(path.read_bytes()).hexdigest()[:16]) for path in sorted(self.used)]


def paragraphs(text, least_letters):
    """The paragraphs of a text that have a language: with at least so many letters, and without addresses, which leaves
    out headings of one word, rulers, rows of figures and lists of links."""
    for paragraph in re.split(r"\n\s*\n", text):
        letters = sum(map(str.isalpha, paragraph))
        if letters >= least_letters and "](" not in paragraph and "://" not in paragraph:
            yield paragraph.strip()
