"""Every derivative rule of csrc/ops.def is spoilt in turn, and the tests must notice.

    python tests/lib/mutation.py                all mutants, a few minutes
    python tests/lib/mutation.py --op tanh      those of one op
    python tests/lib/mutation.py --list         what there is, nothing is built or run
    python tests/lib/mutation.py --share 3 24   the third of 24 shares, of which each mutant is in one

A mutant changes one rule in one place: its sign, the order of operands, a constant or an exponent by one, a
factor or a summand dropped, ONE for ZERO, one operand for another, sin for cos, an absolute zero or a check
for nan left out. A few more are in the C that handles sums, dot products and given partials.

All of them are compiled into one extension, in a scratch folder, which does what its variable pg_mutant
says; so each costs no build but a fork and as many tests as it takes to notice: first the two main tests of
the ops whose derivatives use the rule, called without pytest; then all tests that name these ops; then all
of TESTS. Prints a table; the exit code is 1 if a mutant survives. Mutants that are the same function, for
reasons given in EQUIVALENT, are listed as such, and run all the same: if one of them is noticed, the reason
was wrong, and that is an error, too.

Needs a C compiler, fork() and a checkout with pygrad's test requirements.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import importlib.util
import io
import itertools
import os
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
OWN_TESTS = "ops/test_derivatives_of_every_op.py"
TESTS = [
    OWN_TESTS,
    "functions/test_transform_identities.py",
    "functions/test_transform_arguments.py",
    "functions/test_transform_structures.py",
    "functions/test_transforms_of_users_functions.py",
    "functions/test_gradients_between_values.py",
    "functions/test_transforms_of_stated_derivatives.py",
    "functions/test_control_flow.py",
    "ops/test_second_derivatives_at_the_ends.py",
]
# Seconds of processor time for one mutant; one that makes a test run for ever is noticed
TIME_LIMIT = 120

# -- rules as trees ----------------------------------------------------------------------------------


class Term(NamedTuple):
    """A word of csrc/ops/algebra.h with its operands, an operand, or NUMBER(c) with its text."""

    word: str
    operands: tuple[Term, ...] = ()

    def __str__(self) -> str:
        return f"{self.word}({', '.join(map(str, self.operands))})" if self.operands else self.word


class Rule(NamedTuple):
    """One slope of one op: its text, and where it stands in ops.def."""

    op: str
    slope: str  # x, y or w: the operand that the slope is by
    text: str
    start: int
    operands: str  # what a rule of this op may name


SLOPES = {"UNARY": 1, "SLOPE1": 1, "CONSTANT": 1, "BINARY": 2, "SLOPE2": 2, "TERNARY": 3}
NAMES = {"UNARY": "XZ", "SLOPE1": "XZ", "CONSTANT": "XKZ", "TERNARY": "XYWZ"}


def rules_of(table: str) -> list[Rule]:
    """All rules of the text of ops.def."""
    rules = []
    for line in re.finditer(rf"^({'|'.join(SLOPES)})\s*\(", table, re.MULTILINE):
        arguments = list(split(table, line.end()))
        op = arguments[0][1].strip()
        for i in range(SLOPES[line[1]]):
            start, text = arguments[4 + i]
            start += len(text) - len(text.lstrip())
            rules.append(Rule(op, "xyw"[i], text.strip(), start, NAMES.get(line[1], "XYZ")))
    return rules


def split(text: str, start: int) -> Iterator[tuple[int, str]]:
    """The arguments of a call whose bracket opened just before start, with their places."""
    depth, at, quoted = 0, start, False
    for i in range(start, len(text)):
        c = text[i]
        if c == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif c in "(,)" and depth == 0 and c != "(":
            yield at, text[at:i]
            at = i + 1
            if c == ")":
                return
        depth += (c == "(") - (c == ")")


def parse(text: str) -> Term:
    tokens = re.findall(r"[\w.+-]+|[(),]", text)
    found = _parse(tokens)
    if tokens:
        raise SystemExit(f"tests/lib/mutation.py cannot read the rule {text}")
    return found


def _parse(tokens: list[str]) -> Term:
    word = tokens.pop(0)
    if not tokens or tokens[0] != "(":
        return Term(word)
    operands = []
    while tokens.pop(0) != ")":
        operands.append(_parse(tokens))
    return Term(word, tuple(operands))


# -- mutations ---------------------------------------------------------------------------------------


class Mutant(NamedTuple):
    number: int  # what pg_mutant is set to
    op: str
    slope: str
    change: str
    text: str

    @property
    def key(self) -> str:
        return f"{self.op} d{self.slope}: {self.text}"


ONE, TWO, ZERO = Term("ONE"), Term("NUMBER", (Term("2.0"),)), Term("ZERO")
COMMUTATIVE = {"ADD", "MUL", "MUL0", "HYPOT", "LOGADDEXP_DXX", "NUMBER"}
EXCHANGES = {
    **{"ADD": "SUB", "SUB": "ADD", "SIN": "COS", "COS": "SIN", "SINH": "COSH", "COSH": "SINH"},
    **{"MUL0": "MUL", "DIV0": "DIV", "POW_DX": "POWER", "POW_DY": "POWER", "POWER": "POW_DX"},
}
WITH_EXPONENT = {"POWER", "POW_DX", "POW_DY"}


def mutations(rule: Rule) -> Iterator[tuple[str, Term]]:
    """Every mutation of a rule, each with a word about it; the same text may come twice."""
    tree = parse(rule.text)
    if tree != ZERO:
        yield "sign", Term("NEG", (tree,))
    yield from _mutations(tree, rule)


def _mutations(t: Term, rule: Rule) -> Iterator[tuple[str, Term]]:
    word, operands = t
    if t == ONE:
        yield "one to zero", ZERO
        yield "constant + 1", TWO
    elif t == ZERO:
        yield "zero to one", ONE
    elif word == "NUMBER":
        (constant,) = operands
        yield "constant + 1", Term(word, (Term(repr(float(constant.word) + 1)),))
        yield "constant's sign", Term(word, (Term(repr(-float(constant.word))),))
        return
    elif not operands:
        for other in rule.operands:
            if other not in (word, "K"):
                yield f"{word} to {other}", Term(other)
        if word == "K":
            yield "exponent + 1", Term("ADD", (t, ONE))
            yield "exponent - 1", Term("SUB", (t, ONE))
    if word in EXCHANGES:
        yield f"{word} to {EXCHANGES[word]}", Term(EXCHANGES[word], operands)
    if len(operands) == 1:
        yield f"{word} dropped", operands[0]
    elif word == "SELECT":
        condition, a, b = operands
        yield "choices swapped", Term(word, (condition, b, a))
    elif operands:
        a, b = operands
        if word not in COMMUTATIVE:
            yield "operands swapped", Term(word, (b, a))
        if word in ("ADD", "SUB", "MUL", "MUL0", "DIV", "DIV0", "VALID"):
            yield "second dropped", a
            yield "first dropped", b
        if word in WITH_EXPONENT:
            yield "exponent + 1", Term(word, (a, Term("ADD", (b, ONE))))
            yield "exponent - 1", Term(word, (a, Term("SUB", (b, ONE))))
    for i, operand in enumerate(operands):
        for change, mutated in _mutations(operand, rule):
            yield change, Term(word, (*operands[:i], mutated, *operands[i + 1 :]))


class Site(NamedTuple):
    """A place in C outside the table: the text, found once, and what it is mutated to."""

    file: str
    text: str
    mutated: str
    what: str


SITES = [
    Site(
        "graph/sweep.c", "operands[half + i]->value", "operands[i]->value", "dot by its first half"
    ),
    Site(
        "graph/sweep.c", "operands[i - half]->value", "operands[i]->value", "dot by its second half"
    ),
    Site("graph/sweep.c", "m->partials[i]", "-m->partials[i]", "given partials, as numbers"),
    Site(
        "graph/sweep.c",
        "*out += pg_strong(operand->grad, slope)",
        "*out += operand->grad * slope",
        "forward zero",
    ),
    Site(
        "graph/sweep.c",
        "operand->grad += pg_strong(grad, slope)",
        "operand->grad += grad * slope",
        "reverse zero",
    ),
    Site("graph/adjoint.c", "i < half ? i + half : i - half", "i", "dot as nodes"),
    Site(
        "graph/adjoint.c",
        "own(m->given[i])",
        "call1(a, PG_OP_neg, forward_neg, own(m->given[i]))",
        "given Values",
    ),
    Site(
        "graph/adjoint.c",
        "call2(a, PG_OP_mul0, pg_strong, derivative, slope)",
        "call2(a, PG_OP_mul, forward_mul, derivative, slope)",
        "zero as nodes",
    ),
]

# Mutants that compute the same derivative, and why.
_SYMMETRIC = "x y / (x^2 + y^2)^2 is the same with its operands exchanged"
EQUIVALENT = {
    "relu dx: STEP(X)": "the output is above 0 where the input is",
    "clip dx: MUL(SUB(ONE, LESS(X, Y)), SUB(ONE, LESS(Z, X)))": (
        "where x is not below the lower bound, it is above the upper one where the output is below it"
    ),
    "clip dy: MUL(LESS(X, Z), SUB(ONE, LESS(W, Y)))": (
        "where the bounds are in order, x is below the lower one where the output is above it"
    ),
    "clip dy: MUL(LESS(X, Y), SUB(ONE, LESS(Z, Y)))": (
        "where x is below the lower bound, the upper one is below that where the output is"
    ),
    "clip dw: LESS(Z, SELECT(LESS(X, Y), Y, X))": (
        "the output is below what the lower bound leaves where the upper bound is"
    ),
    "clip dw: LESS(W, SELECT(LESS(Z, Y), Y, X))": (
        "the output is below the lower bound where the upper one is, which is then below any choice, "
        "or nowhere, when x not below the lower bound is the larger"
    ),
    "div0 dx: DIV(ONE, Y)": "1 / 0 is no 0 / 0",
    "div0 dy: NEG(DIV(Z, Y))": (
        "only hypot's rules use it; where the divisor is 0 they multiply the derivative by an exact 0"
    ),
    **dict.fromkeys(
        ("polygamma dx: ONE", "erfcx_more dx: ONE"),
        "its order is a constant: nobody asks for the slope by it",
    ),
    "valid dy: VALID(Z, ONE)": (
        "where the output is nan and the first operand is not, the second is, and so is its own slope"
    ),
    "atan2_dx dx: ATAN2_DXX(Y, X)": _SYMMETRIC,
    "atan2_dxy dx: MUL(NUMBER(-2.0), ADD(MUL(ATAN2_DX(X, Y), ATAN2_DXX(Y, X)), MUL(ATAN2_DX(Y, X), Z)))": _SYMMETRIC,  # noqa: E501
    "atan2_dxy dy: MUL(NUMBER(2.0), SUB(MUL(ATAN2_DX(Y, X), ATAN2_DXX(Y, X)), MUL(ATAN2_DX(X, Y), Z)))": _SYMMETRIC,  # noqa: E501
}
# Ops whose slopes nobody asks for: their mutants, which all tests would run for in vain, go only by --op.
NOT_DIFFERENTIATED = {
    "power": "no rule makes it: it is for files of former versions",
    **dict.fromkeys(
        ("below", "at_most", "equal", "unequal", "both", "either"),
        "no derivative goes through conditions: sweeps take them for leaves",
    ),
}


def mutants_of(rules: Sequence[Rule]) -> list[Mutant]:
    """All mutants, numbered from 1; those of SITES come last."""
    found: list[Mutant] = []
    for rule in rules:
        seen = {str(parse(rule.text))}
        for change, tree in mutations(rule):
            if str(tree) not in seen:
                seen.add(str(tree))
                found.append(Mutant(len(found) + 1, rule.op, rule.slope, change, str(tree)))
    for site in SITES:
        found.append(Mutant(len(found) + 1, site.file, "", site.what, site.mutated))
    return found


# -- one build with all of them ------------------------------------------------------------------------


def choice(mutants: Sequence[Mutant], original: str) -> str:
    """A C expression that is the chosen mutant or the original."""
    chosen = "".join(f"pg_mutant == {m.number} ? ({m.text}) : " for m in mutants)
    return f"({chosen}({original}))"


def write_sources(folder: Path, rules: Sequence[Rule], mutants: Sequence[Mutant]) -> None:
    """csrc with every mutant in it."""
    shutil.copytree(ROOT / "csrc", folder)
    table = (ROOT / "csrc" / "ops.def").read_text(encoding="utf-8")
    for rule in reversed(rules):
        own = [m for m in mutants if (m.op, m.slope) == (rule.op, rule.slope)]
        end = rule.start + len(rule.text)
        table = table[: rule.start] + choice(own, rule.text) + table[end:]
    (folder / "ops.def").write_text(table, encoding="utf-8")
    for site, mutant in zip(SITES, mutants[-len(SITES) :], strict=True):
        path = folder / site.file
        text = path.read_text(encoding="utf-8")
        if text.count(site.text) != 1:
            raise SystemExit(
                f"tests/lib/mutation.py: {site.file} has changed, mend SITES: {site.text}"
            )
        if site.text.startswith("*out") or "+=" in site.text:
            new = f"if (pg_mutant == {mutant.number}) {site.mutated}; else {site.text}"
        else:
            new = choice([mutant], site.text)
        path.write_text(text.replace(site.text, new), encoding="utf-8")
    (folder / "mutant.h").write_text("extern volatile int pg_mutant;\n", encoding="utf-8")
    (folder / "mutant.c").write_text(
        '__attribute__((visibility("default"))) volatile int pg_mutant;\n', encoding="utf-8"
    )


def build(scratch: Path, rules: Sequence[Rule], mutants: Sequence[Mutant]) -> None:
    """The package with an extension that has every mutant, as scratch/pygrad."""
    csrc = scratch / "csrc"
    write_sources(csrc, rules, mutants)
    spec = importlib.util.spec_from_file_location("build_of_pygrad", ROOT / "build.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    interface = scratch / "_core.c"
    script.make_ffi().emit_c_code(str(interface))
    settings = script.compiler_settings()
    flags = [
        *settings["extra_compile_args"],
        "-O0",
        "-fPIC",
        "-w",
        "-include",
        str(csrc / "mutant.h"),
    ]
    flags += [f"-D{name}={value}" for name, value in settings["define_macros"]]
    flags += [f"-I{csrc}", f"-I{sysconfig.get_path('include')}"]
    running = []
    objects = []
    for source in [interface, csrc / "mutant.c", *sorted(csrc.glob("*/*.c"))]:
        objects.append(scratch / f"{source.parent.name}_{source.name}.o")
        command = ["cc", *flags, "-c", str(source), "-o", str(objects[-1])]
        running.append(subprocess.Popen(command))
        if len(running) > (os.cpu_count() or 1):
            running.pop(0).wait()
    if any([process.wait() for process in running]) or not all(o.exists() for o in objects):
        raise SystemExit("tests/lib/mutation.py: the mutants do not compile")
    shutil.copytree(ROOT / "pygrad", scratch / "pygrad", ignore=shutil.ignore_patterns("_core.*"))
    target = scratch / "pygrad" / "_core.abi3.so"
    shared = (
        ["-bundle", "-undefined", "dynamic_lookup"] if sys.platform == "darwin" else ["-shared"]
    )
    subprocess.run(["cc", *shared, "-o", str(target), *map(str, objects), "-lm"], check=True)


# -- which tests -----------------------------------------------------------------------------------------


def words_of(rule: Rule) -> set[str]:
    """The ops that a rule names."""
    return {word.lower() for word in re.findall(r"[A-Z][A-Z0-9_]+", rule.text)}


def affected(op: str, rules: Sequence[Rule]) -> set[str]:
    """The op and all ops whose derivatives, of some order, use its rules."""
    found, more = set(), {op}
    while more:
        found |= more
        more = {rule.op for rule in rules if words_of(rule) & found} - found
    return found


def focused(op: str, rules: Sequence[Rule]) -> str:
    """What to select tests by, first."""
    names = affected(op, rules)
    if "where" in names and op != "where":
        names.discard("where")
    wider = {
        "pown": ["exponent", "zero"],
        "pow": ["powers"],
        "hypot": ["origin"],
        "atan2": ["origin"],
    }
    extra = [word for name in names for word in wider.get(name, [])]
    return " or ".join(sorted({*names, *extra, "edges", "nan_by_domain"}))


# -- running -----------------------------------------------------------------------------------------------


class FirstFailure:
    """A pytest plugin that notes the first test that failed."""

    name = ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and not self.name:
            self.name = report.nodeid.rpartition("/")[2]

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed and not self.name:
            self.name = f"{report.nodeid} cannot be collected"


def first_failure(files: Sequence[str], *arguments: str) -> str:
    """Runs pytest here; the name of the first failed test, or ''."""
    import pytest

    plugin = FirstFailure()
    base = ["-q", "-x", "--assert=plain", "--no-header", "--tb=no", "-n", "0"]
    base += ["-p", "no:cacheprovider"]
    paths = [str(ROOT / "tests" / name) for name in files]
    code = pytest.main([*base, f"--rootdir={ROOT}", *arguments, *paths], [plugin])
    if code not in (0, 1, 5) and not plugin.name:  # 5: nothing was selected
        return f"pytest ended with {code}"
    return plugin.name


def first_failure_of_ops(names: Sequence[str]) -> str:
    """The same for the two main tests of these ops, without pytest."""
    import test_derivatives_of_every_op as own

    tests: list[tuple[Callable[[str], None], dict[str, Any]]] = [
        (lambda name: own.check_to_third_order(name, 100), own.SMOOTH),
        (own.test_ops_with_corners_to_third_order, own.CORNERED),
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        for name, (check, ops) in itertools.product(names, tests):
            if name in ops:
                try:
                    check(name)
                except Exception:
                    return f"{OWN_TESTS}, to third order [{name}]"
    return ""


def fork_and_test(mutant: Mutant, rules: Sequence[Rule], switch: Any) -> tuple[int, int]:
    """Starts the tests of a mutant in a child; its process id and the pipe that it answers on."""
    reading, writing = os.pipe()
    child = os.fork()
    if child != 0:
        os.close(writing)
        return child, reading
    code = 1
    try:
        os.close(reading)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        signal.setitimer(signal.ITIMER_PROF, TIME_LIMIT)
        switch.value = mutant.number
        failure = ""
        if mutant.slope:
            others = affected(mutant.op, rules) - {mutant.op}
            failure = first_failure_of_ops([mutant.op, *sorted(others)])
            failure = failure or first_failure([OWN_TESTS], "-k", focused(mutant.op, rules))
        failure = failure or first_failure(TESTS)
        os.write(writing, failure.encode())
        code = 0
    finally:
        os._exit(code)


class Outcome(NamedTuple):
    mutant: Mutant
    failure: str  # the test that noticed, '' if none did
    seconds: float


def outcome_of(mutant: Mutant, child: int, reading: int, began: float) -> Outcome:
    with os.fdopen(reading) as pipe:
        failure = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        failure = "time limit" if number == signal.SIGPROF else f"crash, signal {number}"
    elif os.WEXITSTATUS(status) != 0:
        failure = failure or f"exit code {os.WEXITSTATUS(status)}"
    return Outcome(mutant, failure, time.monotonic() - began)


def run(
    scratch: Path, mutants: Sequence[Mutant], rules: Sequence[Rule], jobs: int
) -> Iterator[Outcome]:
    """The outcome of each mutant, `jobs` at a time; raises SystemExit if the original fails."""
    sys.path[:0] = [str(scratch), *(str(ROOT / "tests" / part) for part in ("lib", "ops"))]
    import hypothesis  # noqa: F401  so that children need not import it
    import mpmath  # noqa: F401
    import numpy  # noqa: F401

    import pygrad
    from pygrad import _core

    assert Path(pygrad.__file__).is_relative_to(scratch), pygrad.__file__
    switch = ctypes.c_int.in_dll(ctypes.CDLL(_core.__file__), "pg_mutant")
    ops = set().union(*(affected(mutant.op, rules) for mutant in mutants if mutant.slope))
    # Which leaves the truth in a cache, for all children
    failure = first_failure_of_ops(sorted(ops))
    if failure:
        raise SystemExit(f"tests/lib/mutation.py: without any mutant {failure} fails")
    original = Mutant(0, "the original", "", "", "")
    waiting = [original, *mutants]
    running: list[tuple[Mutant, int, int, float]] = []
    while waiting or running:
        while waiting and len(running) < (jobs if running else 1):
            mutant = waiting.pop(0)
            began = time.monotonic()
            running.append((mutant, *fork_and_test(mutant, rules, switch), began))
            if mutant is original:
                break
        done, _, _ = select.select([reading for _, _, reading, _ in running], [], [])
        (one,) = [r for r in running if r[2] == done[0]]
        running.remove(one)
        outcome = outcome_of(*one)
        if outcome.mutant is original:
            if outcome.failure:
                raise SystemExit(
                    f"tests/lib/mutation.py: without any mutant {outcome.failure} fails"
                )
            continue
        yield outcome


def share_of(mutants: Sequence[Mutant], number: int, count: int) -> list[Mutant]:
    """One of so many shares: mutants are shuffled, the same way each time, and dealt out."""
    dealt = random.Random(0).sample(mutants, len(mutants))
    return sorted(dealt[number % count :: count])


def verdict_of(outcome: Outcome) -> tuple[str, bool]:
    """What the table says, and whether it is as it should be."""
    mutant = outcome.mutant
    reason = EQUIVALENT.get(mutant.key) or NOT_DIFFERENTIATED.get(mutant.op)
    if outcome.failure and reason:
        return f"KILLED by {outcome.failure}, though listed as the same: {reason}", False
    if outcome.failure:
        return f"killed by {outcome.failure}", True
    if reason:
        return f"the same: {reason}", True
    return "SURVIVED", False


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--op", help="only mutants of this op, or of this C file")
    parser.add_argument("--list", action="store_true", help="only print what mutants there are")
    parser.add_argument(
        "--share", type=int, nargs=2, metavar=("I", "N"), help="the I-th of N shares; 0 is the last"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time")
    options = parser.parse_args(argv)
    table = (ROOT / "csrc" / "ops.def").read_text(encoding="utf-8")
    rules = rules_of(table)
    every = mutants_of(rules)
    unknown = set(EQUIVALENT) - {mutant.key for mutant in every}
    if unknown:
        raise SystemExit(
            f"tests/lib/mutation.py: EQUIVALENT names no mutant with {sorted(unknown)}"
        )
    chosen = [
        m
        for m in every
        if options.op == m.op or (options.op is None and m.op not in NOT_DIFFERENTIATED)
    ]
    if not chosen:
        parser.error(f"there is no op {options.op}")
    if options.share is not None:
        chosen = share_of(chosen, *options.share)
    if options.list:
        for mutant in chosen:
            print(f"{mutant.op:15s} {mutant.slope:1s} {mutant.change:18s} {mutant.text}")
        print(f"{len(chosen)} mutants of {len({(m.op, m.slope) for m in chosen})} rules and places")
        return 0
    began = time.monotonic()
    counts = {"killed": 0, "the same": 0, "wrong": 0}
    with tempfile.TemporaryDirectory(prefix="pygrad-mutants-") as folder:
        build(Path(folder), rules, every)
        print(f"built {len(every)} mutants in {time.monotonic() - began:.0f} s", flush=True)
        for outcome in run(Path(folder), chosen, rules, options.jobs):
            verdict, right = verdict_of(outcome)
            m = outcome.mutant
            print(
                f"{m.op:15s} {m.slope:1s} {m.change:18s} {m.text[:70]:70s} "
                f"{outcome.seconds:5.1f} s  {verdict}",
                flush=True,
            )
            counts["wrong" if not right else "killed" if outcome.failure else "the same"] += 1
    seconds = time.monotonic() - began
    print(
        f"{len(chosen)} mutants: {counts['killed']} killed, {counts['the same']} the same function, "
        f"{counts['wrong']} survived or misjudged, in {seconds:.0f} s"
    )
    return 1 if counts["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
