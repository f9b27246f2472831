"""A share of the fault programme's interrupts, untimed; tests/faults/interrupts.py times ten thousand."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.long
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers")
def test_interrupts_leave_nothing_half_done_and_no_mode_on(tmp_path):
    report = tmp_path / "report.json"
    program = Path(__file__).with_name("interrupts.py")
    done = subprocess.run(
        [sys.executable, str(program), "--count", "100", "--untimed", "--json", str(report)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(report.read_text(encoding="utf-8"))
    assert found["title"]
    assert all(figure["ok"] for figure in found["figures"])
