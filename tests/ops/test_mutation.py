"""Every derivative rule is spoilt in turn, and the tests notice: tests/lib/mutation.py."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import mutation
import pytest
import shares

from pygrad.core.ops import ops

pytestmark = pytest.mark.skipif(
    not (mutation.ROOT / "csrc" / "ops.def").is_file(), reason="no C sources beside the tests"
)


SHARES = 24


@pytest.fixture(scope="module")
def rules() -> list[mutation.Rule]:
    return mutation.rules_of((mutation.ROOT / "csrc" / "ops.def").read_text(encoding="utf-8"))


def test_every_rule_of_the_table_is_found_and_read(rules):
    slopes = [slope for op in ops() for slope in op.slopes]
    assert len(rules) == len(slopes)
    without_spaces = lambda text: re.sub(r"\s", "", text)  # noqa: E731
    for rule, slope in zip(rules, slopes, strict=True):
        assert without_spaces(rule.text) == without_spaces(slope)
        assert without_spaces(str(mutation.parse(rule.text))) == without_spaces(slope)


def test_every_rule_has_mutants_and_no_two_are_the_same(rules):
    mutants = mutation.mutants_of(rules)
    assert {(m.op, m.slope) for m in mutants} >= {(rule.op, rule.slope) for rule in rules}
    of_rules = [m for m in mutants if m.slope]
    assert len({m.key for m in of_rules}) == len(of_rules) > 600
    assert [m.number for m in mutants] == [*range(1, len(mutants) + 1)]
    assert set(mutation.EQUIVALENT) <= {m.key for m in of_rules}
    texts = {m.text for m in mutants if (m.op, m.slope) == ("div", "y")}
    assert texts >= {"DIV(Z, Y)", "NEG(DIV(Y, Z))", "NEG(DIV(X, Y))", "NEG(Z)"}
    texts = {m.text for m in mutants if m.op == "pown"}
    assert texts >= {"NEG(POW_DX(X, K))", "POW_DX(X, ADD(K, ONE))", "POW_DX(K, X)"}


def test_the_tests_of_an_op_come_first(rules):
    assert mutation.affected("sech2", rules) >= {"sech2", "tanh", "sigmoid"}
    assert "hypot" in mutation.affected("div0", rules)
    assert mutation.affected("atanh", rules) == {"atanh"}


@pytest.mark.long
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork()")
@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
@pytest.mark.skipif(
    not Path(sysconfig.get_path("include"), "Python.h").is_file(), reason="no headers of Python"
)
def test_no_mutant_survives(tmp_path):
    """Of a share, another one after each commit; all take some four minutes on two idle cores."""
    share = ["--share", str(shares.turn()), str(SHARES)]
    done = subprocess.run(
        [sys.executable, str(mutation.ROOT / "tests" / "lib" / "mutation.py"), *share],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert re.search(r"^4\d mutants: .* the same function, 0 survived", done.stdout, re.MULTILINE)


def test_each_mutant_is_in_one_share(rules):
    mutants = mutation.mutants_of(rules)
    shares = [mutation.share_of(mutants, number, SHARES) for number in range(7, 7 + SHARES)]
    assert sorted(mutant for share in shares for mutant in share) == mutants
