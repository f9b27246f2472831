"""Ten million damaged files: ValueError or a function that runs safely, whatever the bytes.

    python tests/faults/damaged_files.py [--json FILE] [--share] [--seed N] [--files N] [--programs N]

Most are the programs in files: a program of C's own (tests/c/damaged_programs.c) damages their bytes, has
them read by what load() reads programs with, and runs those that it lets pass. The others are whole
files, damaged by structure (tests/lib/damage_by_structure.py), with checksums mended, loaded by what
pygrad.load() does with the bytes, and run; some of them on Values, in all vector instructions, and
differentiated. A crash ends a process and is a finding, with the bytes that did it in FOLDER; so is a
call that takes long, and an error but ValueError. Under a build for the sanitizers, and with --sanitize
for the part in C, a wild read is a crash.
"""

from __future__ import annotations

import mmap
import os
import pickle
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

if __name__ == "__main__":
    HERE = Path(__file__).resolve().parent
    sys.path[:0] = [str(HERE), str(HERE.parent / "lib")]

import c_library
import damage
import numpy as np
from damage_by_structure import CHANGES, LIVES, Sample, long_sample, small_samples
from figures import Figures, parser

from pygrad._core import lib
from pygrad.compiled.function import from_bytes

PROGRAM = c_library.ROOT / "tests" / "c" / "damaged_programs.c"
LONGEST = 20  # seconds for a hundred files, before they count as ones that hang
LARGEST = 1 << 16  # bytes of a file that are kept where one ends the process
FIXED = 12_000  # bytes that a function of any size takes, in objects of Python


# -- programs alone, in C --------------------------------------------------------------------------


def seeds() -> bytes:
    """The programs of all samples, as tests/c/damaged_programs.c reads them."""
    files = [Sample(data) for data in [*small_samples(), *damage.samples().values()]]
    out = bytearray()
    for file in files:
        codes = list(file.codes)
        heads = zip(file.programs, file.heads, strict=False)  # bodies come first
        bodies = [(at - head, size + head) for (at, size), head in heads]
        for at, size in file.programs[file.bodies :]:
            parts = [*bodies, (at, size)]
            out += struct.pack("<III", len(parts), file.counts(at)[LIVES], len(codes))
            out += struct.pack(f"<{len(codes)}H", *codes)
            for start, length in parts:
                out += struct.pack("<I", length) + file.data[start : start + length]
    return bytes(out)


class Programs(NamedTuple):
    tried: int
    sound: int
    lines: list[str]
    memory: float  # over the size of the program
    slowest: float  # microseconds
    crashes: int


def build(folder: Path, sanitize: bool) -> Path | None:
    """The program in C; None without a compiler."""
    try:
        command = c_library.compiler_of_extension(sanitize)
        (program,) = c_library.build(folder, command, programs=[PROGRAM])
    except OSError:
        return None
    return program


def programs(count: int, seed: int, jobs: int, sanitize: bool) -> Programs | None:
    with tempfile.TemporaryDirectory() as name:
        program = build(Path(name), sanitize)
        if program is None:
            return None
        (Path(name) / "seeds").write_bytes(seeds())
        running = [
            subprocess.Popen(
                [str(program), str(Path(name) / "seeds"), str(count // jobs), str(seed * jobs + i)],
                stdout=subprocess.PIPE,
                text=True,
                env=c_library.environment(),
            )
            for i in range(jobs)
        ]
        texts = [one.communicate()[0] for one in running]
    tried, sound = Counter[str](), Counter[str]()
    memory = slowest = 0.0
    for line in "".join(texts).splitlines():
        kind, *numbers = line.split("\t")
        if kind == "memory":
            memory = max(memory, float(numbers[0]))
        elif kind == "slowest":
            slowest = max(slowest, float(numbers[0]))
        else:
            tried[kind] += int(numbers[0])
            sound[kind] += int(numbers[1])
    return Programs(
        tried.total(),
        sound.total(),
        table(tried, sound, "still programs"),
        memory,
        slowest,
        sum(one.returncode != 0 for one in running),
    )


def table(tried: Counter[str], passed: Counter[str], how: str) -> list[str]:
    return [
        f"    {kind:<24} {tried[kind]:>12,} {passed[kind]:>12,} {how}" for kind in sorted(tried)
    ]


# -- whole files, by load() ------------------------------------------------------------------------


class Loads(NamedTuple):
    """What one process has found."""

    tried: Counter[str]
    passed: Counter[str]
    microseconds: Any  # of each file
    memory: float  # the most that loading took, without FIXED, over the file's size
    findings: list[str]


class Files:
    """Damaged files, loaded one after the other in a process of their own."""

    def __init__(self, count: int, seed: int) -> None:
        self.count, self.rng = count, random.Random(seed)
        self.small = [Sample(data) for data in small_samples()]
        self.large = [Sample(data) for data in [*damage.samples().values(), long_sample()]]
        self.kinds = list(CHANGES)
        self.weights = [weight for _, weight in CHANGES.values()]

    def run(self, last: Any) -> Loads:
        """last is memory that outlives the process: the bytes that are tried."""
        tried, passed, findings = Counter[str](), Counter[str](), []
        times = np.zeros(self.count, dtype=np.float32)
        memory, rng, done = 0.0, self.rng, 0
        while done < self.count:
            signal.alarm(LONGEST)
            for kind in rng.choices(self.kinds, self.weights, k=min(100, self.count - done)):
                among = self.small if rng.random() < 0.97 else self.large
                data = CHANGES[kind][0](rng.choice(among), among, rng)
                struct.pack_into("<I", last, 0, len(data))
                last[4 : 4 + min(len(data), LARGEST)] = data[:LARGEST]
                began = time.thread_time()
                try:
                    loaded = from_bytes(data)
                except ValueError:
                    loaded = None
                except BaseException as error:
                    findings.append(f"{type(error).__name__}: {error} for {data.hex()}")
                    loaded = None
                times[done] = time.thread_time() - began
                tried[kind] += 1
                done += 1
                if loaded is not None:
                    passed[kind] += 1
                    try:
                        self.use(loaded)
                    except BaseException as error:
                        findings.append(f"{type(error).__name__}: {error} in {data.hex()}")
            for measured in (data, CHANGES[kind][0](rng.choice(self.large), self.large, rng)):
                memory = max(memory, (peak_of_loading(measured) - FIXED) / len(measured))
        signal.alarm(0)
        return Loads(tried, passed, times * 1e6, memory, findings[:20])

    def use(self, loaded: Any) -> None:
        """Everything that it can do, or most times only its calls."""
        if self.rng.random() < 0.02:
            for path in damage.all_paths(loaded):
                assert lib.pg_program_verify(path.program) == 1
            damage.exercise(loaded, self.rng)
            return
        with damage.refusing():
            for program in loaded.store.calls:
                damage.run_once(program, self.rng)
        if self.rng.random() < 0.2:
            with damage.refusing():
                for mapped in loaded.store.row_programs():
                    damage.run_rows(mapped, self.rng)


def peak_of_loading(data: bytes) -> int:
    """Bytes that Python and C allocate at most."""
    lib.pg_fail_at(1 << 40)
    try:
        return damage.peak_of_loading(data) + int(lib.pg_allocated())
    finally:
        lib.pg_fail_at(0)


def files(count: int, seed: int, jobs: int, keep: Path) -> tuple[Loads, int]:
    """All processes' findings, and how many of these have crashed."""
    running = []
    for i in range(jobs):
        last, (reading, writing) = mmap.mmap(-1, 4 + LARGEST), os.pipe()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.close(reading)
                found = Files(count // jobs, seed * jobs + i).run(last)
                with os.fdopen(writing, "wb") as pipe:
                    pickle.dump(found, pipe)
                code = 0
            finally:
                os._exit(code)
        os.close(writing)
        running.append((child, last, reading))
    tried, passed, times, memory, findings = Counter[str](), Counter[str](), [], 0.0, []
    crashes = 0
    for child, last, reading in running:
        with os.fdopen(reading, "rb") as pipe:
            text = pipe.read()
        _, status = os.waitpid(child, 0)
        if status != 0:
            crashes += 1
            (size,) = struct.unpack_from("<I", last, 0)
            place = keep / f"crash-{child}"
            place.write_bytes(last[4 : 4 + min(size, LARGEST)])
            findings.append(f"a process has ended with {status}; the bytes are in {place}")
            continue
        found = pickle.loads(text)
        tried += found.tried
        passed += found.passed
        times.append(found.microseconds)
        memory = max(memory, found.memory)
        findings += found.findings
    return Loads(tried, passed, np.concatenate(times or [np.zeros(1)]), memory, findings), crashes


# -- both ------------------------------------------------------------------------------------------


def main() -> int:
    options = parser(__doc__.splitlines()[0])
    options.add_argument(
        "--seed", type=int, default=None, help="of the changes (another each time)"
    )
    options.add_argument("--files", type=int, help="whole files")
    options.add_argument("--programs", type=int, help="programs alone")
    options.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()))
    options.add_argument(
        "--sanitize", action="store_true", help="the part in C, for the sanitizers"
    )
    chosen = options.parse_args()
    seed = random.randrange(1 << 30) if chosen.seed is None else chosen.seed
    chosen.keep.mkdir(parents=True, exist_ok=True)
    count = chosen.files if chosen.files is not None else 15_000 if chosen.share else 2_000_000
    more = (
        chosen.programs if chosen.programs is not None else 250_000 if chosen.share else 8_000_000
    )
    figures = Figures(f"Damaged files (seed {seed})")
    alone = programs(more, seed, chosen.jobs, chosen.sanitize) if more else None
    loads, crashes = files(count, seed, chosen.jobs, chosen.keep) if count else (None, 0)
    if alone is not None:
        print("\n".join(["  Programs alone", *alone.lines]))
        figures.add("programs read and verified", alone.tried)
        figures.add("of these still programs, which ran", alone.sound)
        figures.none_of("crashes in C", alone.crashes)
        figures.add("memory over size, C", round(alone.memory, 2), "10", alone.memory <= 10)
        figures.add("slowest program, microseconds", round(alone.slowest))
    if loads is not None:
        print("\n".join(["  Whole files", *table(loads.tried, loads.passed, "were loaded")]))
        print("\n".join(loads.findings))
        figures.add("whole files loaded or refused", loads.tried.total())
        figures.add("of these loaded, which ran", loads.passed.total())
        figures.none_of("crashes and files that hang", crashes)
        figures.none_of("errors but ValueError", len(loads.findings) - crashes)
        figures.add(
            "memory over size, without 12 KB", round(loads.memory, 2), "10", loads.memory <= 10
        )
        p50, p99, most = np.percentile(loads.microseconds, [50, 99, 100]).tolist()
        figures.add("median microseconds to load", round(p50))
        figures.add("99 of 100 load in, microseconds", round(p99))
        figures.add("slowest file, microseconds", round(most), "100,000", most < 1e5)
    return figures.finish(chosen.json)


if __name__ == "__main__":
    raise SystemExit(main())
