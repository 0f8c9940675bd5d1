"""Packages of npm that a check needs, installed once into a folder of their own under the target folder."""

import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def install(check, wanted, folder, package, purpose):
    """Installs what the package.json `wanted` lists into `folder`, unless it is there. `package` is one of them, `purpose` what it is for."""
    if not shutil.which("node") or not shutil.which("npm"):
        sys.exit(f"{check}: node and npm are needed; scripts/test installs them")
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / "package.json"
    if (folder / "node_modules" / package).is_dir() and copy.is_file() and copy.read_text() == wanted.read_text():
        return
    print(f"installing the packages of {wanted.relative_to(ROOT)} (npm, into target/{folder.name}): {purpose}")
    shutil.copy(wanted, copy)
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"], cwd=folder, check=True)
