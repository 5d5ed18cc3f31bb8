"""Install uv, at the version below, into a folder of its own: `python3 scripts/uv.py FOLDER`.

Runs before anything is installed: standard library only.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

VERSION = "0.13.9"


def make_environment(folder: Path) -> None:
    """Make an empty virtual environment with pip; on Debian that is a package of its own."""
    command = [sys.executable, "-m", "venv", "--clear", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode == 0:
        return
    package = "python3-venv"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        sys.exit(
            f"moot cannot be built: {sys.executable} cannot make a virtual environment: "
            f"apt-get install {package}."
        )
    print(f"== installing {package}", flush=True)
    subprocess.run(["apt-get", "update", "-qq"], check=True)
    subprocess.run(["apt-get", "install", "-y", "-qq", package], check=True)
    subprocess.run(command, check=True)


def main(folder: Path) -> None:
    """Install uv where it is missing or of another version."""
    program = folder / "bin" / "uv"
    if program.exists():
        told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
        if told.stdout.split()[1:2] == [VERSION]:
            program.touch()
            return
    print(f"== uv {VERSION}", flush=True)
    make_environment(folder)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", f"uv=={VERSION}"], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
