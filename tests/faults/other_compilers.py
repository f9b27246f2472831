"""The C core built by other compilers, for another processor: its tests hold, and all bits are the same.

    python tests/faults/other_compilers.py [--json FILE] [--share]

Built as it is shipped by gcc and clang, and for aarch64 by gcc, where qemu runs it. The harnesses of
tests/c run, and tests/c/digest.c tells what each op gives in lanes and eagerly on 4096 sets of numbers of
every kind, what 500 programs give, and what 1000 sweeps. Eager code calls libm, whose bits are its own
affair: where another libm is linked, of eager results only those are held to be the same that have the
bits of lanes, as no libm has a part in these.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

if __name__ == "__main__":
    HERE = Path(__file__).resolve().parent
    sys.path[:0] = [str(HERE), str(HERE.parent / "lib")]

import c_library
from figures import Figures, parser

DIGEST = c_library.ROOT / "tests" / "c" / "digest.c"


class Build(NamedTuple):
    """A compiler, flags of its own, and what runs its programs."""

    name: str
    compiler: str
    flags: tuple[str, ...] = ()
    runner: tuple[str, ...] = ()
    same_libm: bool = True


FIRST = Build("gcc", "gcc")
OTHERS = [
    # It says which loops of lanes it has not made vectors of: slower, but no other bits.
    Build("clang", "clang", ("-Wno-pass-failed",)),
    Build("gcc for aarch64", "aarch64-linux-gnu-gcc", ("-static",), ("qemu-aarch64",), False),
]


def digests(build: Build, folder: Path, harnesses: list[Path]) -> dict[str, str]:
    """What each thing that digest.c names gives there; the harnesses hold, or it fails."""
    folder.mkdir()
    command = c_library.compiler(*c_library.SHIPPED, *build.flags, name=build.compiler)
    made = c_library.build(folder, command, programs=[DIGEST, *harnesses])
    c_library.run_harnesses(made[1:], *build.runner)
    lines = c_library.run([*build.runner, made[0]]).splitlines()
    return dict(line.rsplit(" ", 1) for line in lines)


def main() -> int:
    chosen = parser((__doc__ or "").splitlines()[0]).parse_args()
    figures = Figures("Other compilers, another processor")
    # Threads under an emulator are the emulator's; and a share leaves the harnesses to one compiler.
    harnesses = [] if chosen.share else [p for p in c_library.HARNESSES if p.stem != "test_threads"]
    with tempfile.TemporaryDirectory() as scratch:
        first = digests(FIRST, Path(scratch, "first"), harnesses)
        for build in OTHERS:
            tools = [tool for tool in (build.compiler, *build.runner) if shutil.which(tool) is None]
            if tools:
                figures.add(
                    f"results that differ from gcc's: {build.name}",
                    f"not measured: no {tools[0]}",
                    ok=False,
                )
                continue
            # What the system refuses, an emulator does not survive.
            here = [p for p in harnesses if not build.runner or p.stem != "test_memory"]
            other = digests(build, Path(scratch, "other"), here)
            shutil.rmtree(Path(scratch, "other"))
            compare(figures, build, first, other)
    return figures.finish(chosen.json)


def compare(figures: Figures, build: Build, first: dict[str, str], other: dict[str, str]) -> None:
    """The figures of one build beside the first one."""
    ops = [what.split()[1] for what in first if what.startswith("lanes ")]
    without_libm = [op for op in ops if first[f"lanes {op}"] == first[f"eager {op}"]]
    same = ops if build.same_libm else without_libm
    groups = {
        f"ops whose lanes differ from gcc's, of {len(ops)}": [f"lanes {op}" for op in ops],
        f"eager ops that differ, of {len(same)}": [f"eager {op}" for op in same],
        "kinds of work that differ, of 2: programs, sweeps": ["work programs", "work sweeps"],
    }
    assert len(first) == 2 * len(ops) + 2
    for what, names in groups.items():
        differ = [one for one in names if first[one] != other.get(one)]
        figures.none_of(f"{build.name}: {what}", len(differ))
        if differ:
            print(f"{build.name}: {', '.join(differ)}")
    if not build.same_libm:
        libm = [op for op in ops if op not in same]
        differ = [op for op in libm if first[f"eager {op}"] != other.get(f"eager {op}")]
        what = f"{build.name}: eager ops to which its libm gives other bits, of {len(libm)}"
        figures.add(what, f"{len(differ)}: {', '.join(differ)}" if differ else 0)


if __name__ == "__main__":
    raise SystemExit(main())
