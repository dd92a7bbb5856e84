"""Files read by several processes."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def test_a_program_without_a_guard_is_not_run_again_by_its_workers(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(  # as people write scripts, with no `if __name__ == "__main__"`
        "from dicomfilter.dicomfiles.reading import spread\n"
        "print('begun')\n"
        "print(*spread(abs, [1, -2, 3], 2))\n"
    )
    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout == "begun\n1 2 3\n", done.stderr
