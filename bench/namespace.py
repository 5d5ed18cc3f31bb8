"""A network of its own for a measurement with browsers: nothing outside is reached or disturbed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ADDRESS = "10.77.0.1"
"""An address in the namespace that is not loopback's."""
_SCRIPT = Path(__file__).resolve().parent.parent / "tests/browser/src/in-namespace.sh"


def enter(module: str) -> None:
    """Run this program again in a network namespace of its own, unless it is in one.

    Does not return where it was not. What has to be fetched must be there before.

    Args:
        module: the program, as `python -m` names it.
    """
    if os.environ.get("MOOT_TEST_IN_NAMESPACE") == "1":
        return
    sys.stdout.flush()
    os.execv("/bin/sh", ["/bin/sh", str(_SCRIPT), sys.executable, "-m", module, *sys.argv[1:]])
