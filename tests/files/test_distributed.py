"""Compiled functions that travel: pickled, copied, in pools of processes, in joblib and in Dask."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pygrad import NotSavedError, Value, grad, value_and_grad, vmap
from pygrad import compile as compile_
from pygrad import math as pm
from pygrad.compiled.saved import to_bytes

# -- pickles and copies ----------------------------------------------------------------------------


@compile_
def at_module_level(x: Any) -> Any:
    return x * 2 if x > 0 else -x


@compile_
def never_called(x: Any) -> Any:
    return x + 1


def plain(x: Any) -> Any:
    return x * 3 if x > 0 else x


W = Value(2.0)


@compile_
def captures(x: Any) -> Any:
    return x * W if x > 0 else -x


@pytest.mark.parametrize("protocol", range(3, pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_holds_the_bytes(protocol: int) -> None:
    f = compile_(lambda x: x**3 if x > 0 else -x)
    assert (f(2.0), f(-1.0)) == (8.0, 1.0)
    pickled = pickle.dumps(f, protocol)
    assert to_bytes(f.store) in pickled
    loaded = pickle.loads(pickled)
    assert (loaded(2.0), loaded(-1.0), grad(loaded)(2.0)) == (8.0, 1.0, 12.0)
    assert pickle.loads(pickle.dumps(loaded, protocol))(2.0) == 8.0


def test_what_is_unpickled_traces_further_where_the_function_can_be_imported() -> None:
    assert at_module_level(1.0) == 2.0
    loaded = pickle.loads(pickle.dumps(at_module_level))
    assert loaded is not at_module_level
    assert [p["guards"] for p in loaded.programs] == [1]
    assert (loaded(1.0), loaded(-1.0), loaded([3.0][0])) == (2.0, 1.0, 6.0)
    assert len(loaded.programs) == 2
    assert vmap(loaded)(np.array([1.0, -5.0])).tolist() == [2.0, 5.0]
    assert pickle.loads(pickle.dumps(loaded))(-2.0) == 2.0
    step = compile_(value_and_grad(vmap(lambda w, x: plain(w * x), (None, 0), reduce="sum")))
    rows = compile_(vmap(plain))
    rows(np.array([1.0]))
    step(1.0, np.array([1.0]))
    assert pickle.loads(pickle.dumps(rows))(np.array([1.0, -1.0])).tolist() == [3.0, -1.0]
    with pytest.raises(NotSavedError):
        pickle.loads(pickle.dumps(step))(1.0, np.array([-1.0]))


def test_what_is_unpickled_keeps_its_own_captured_values() -> None:
    assert captures(1.0) == 2.0
    loaded = pickle.loads(pickle.dumps(captures))
    loaded.captured[0].data = 5.0
    assert (loaded(1.0), captures(1.0)) == (5.0, 2.0)
    with pytest.raises(NotSavedError):  # the function that can be imported has other Values
        loaded(-1.0)


def test_what_was_never_called_is_pickled_as_functions_are() -> None:
    assert pickle.loads(pickle.dumps(never_called)) is never_called
    made = compile_(plain, static_argnums=1, verify=True)
    remade = pickle.loads(pickle.dumps(made))
    assert (remade.f, remade.static, remade.verify) == (plain, frozenset([1]), True)
    assert remade(2.0) == 6.0


def test_what_cannot_be_pickled_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cloudpickle", "joblib.externals.cloudpickle", "dill"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(ValueError, match="call it first"):
        pickle.dumps(compile_(lambda x: x))


def test_cloudpickle_takes_what_was_never_called() -> None:
    cloudpickle = pytest.importorskip("cloudpickle")
    w = Value(2.0)
    f = compile_(grad(lambda x: w * x**3 if x > 0 else x))
    remade = pickle.loads(cloudpickle.dumps(f))
    assert (remade(2.0), remade(-1.0)) == (24.0, 1.0)
    f(2.0)
    assert pickle.loads(cloudpickle.dumps(f))(2.0) == 24.0


def test_copies_are_the_function_itself() -> None:
    f = compile_(lambda x: x)
    assert copy.copy(f) is copy.deepcopy(f) is copy.deepcopy({"f": [f]})["f"][0] is f


# -- processes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_process_pools(method: str, run_isolated: Callable[..., Any]) -> None:
    if sys.platform == "win32" and method != "spawn":
        pytest.skip("Windows starts processes in one way")
    assert run_isolated("pools.py", method).stdout == "ok\n"


@pytest.mark.parametrize("backend", ["loky", "threading"])
@pytest.mark.filterwarnings("ignore:A worker stopped while some jobs")
def test_joblib(backend: str) -> None:
    joblib = pytest.importorskip("joblib", reason="joblib is not installed")
    w = Value(3.0)
    f = compile_(lambda x: w * x**2 if x > 0 else -x)
    untraced = compile_(grad(lambda x: w * x**2 if x > 0 else -x))
    points = [0.5, -1.0, 2.0]
    wanted = [f(x) for x in points]
    run = joblib.Parallel(n_jobs=2, backend=backend)
    assert run(joblib.delayed(f)(x) for x in points) == wanted
    assert run(joblib.delayed(untraced)(x) for x in points) == [3.0, -1.0, 12.0]


# -- Dask ------------------------------------------------------------------------------------------


@pytest.fixture
def da() -> Any:
    return pytest.importorskip(
        "dask.array", reason="Dask is not installed: pip install 'pygrad-core[dask]'"
    )


def loss(p: Any, x: Any, y: Any) -> Any:
    return (pm.tanh(p["w"][0] * x[0] + p["w"][1] * x[1]) * p["v"] - y) ** 2


P = {"w": np.array([0.5, -1.0]), "v": 2.0}


def rows(count: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(2)
    return rng.normal(size=(count, 2)), rng.normal(size=count)


def flat(result: Any) -> list[float]:
    value, slopes = result
    return [value, *slopes["w"].tolist(), slopes["v"]]


@pytest.mark.parametrize("reduce", ["mean", "sum"])
@pytest.mark.parametrize("chunk", [1, 7, 40, 100])
def test_chunked_gradients_are_those_of_all_rows(da: Any, reduce: str, chunk: int) -> None:
    from pygrad.dask import value_and_grad as chunked

    x, y = rows(100)
    wanted = value_and_grad(vmap(loss, (None, 0, 0), reduce=reduce))(P, x, y)
    cx, cy = da.from_array(x, (chunk, 2)), da.from_array(y, chunk)
    found = []
    for fan_in in (2, 8):
        for scheduler in ("synchronous", "threads"):
            value, slopes = (
                chunked(loss, reduce, fan_in=fan_in).delayed(P, cx, cy).compute(scheduler=scheduler)
            )
            assert flat((value, slopes)) == pytest.approx(flat(wanted), rel=1e-13)
            assert slopes["w"].shape == (2,)
            found.append(flat((value, slopes)))
    assert found[0] == found[1]  # whatever ran when
    assert found[2] == found[3]


@dataclass
class Parameters:
    w: Any
    v: float
    name: str = "p"


def test_chunked_gradients_by_a_dataclass(da: Any) -> None:
    from pygrad.dask import value_and_grad as chunked

    def of_fields(p: Parameters, x: Any, y: Any) -> Any:
        return loss({"w": p.w, "v": p.v}, x, y) * (1 if p.name == "p" else 2)

    x, y = rows(20)
    wanted = value_and_grad(vmap(loss, (None, 0, 0), reduce="mean"))(P, x, y)
    work = chunked(of_fields).delayed(Parameters(**P), da.from_array(x, 7), da.from_array(y, 7))
    value, slopes = work.compute(scheduler="synchronous")
    assert type(slopes) is Parameters and slopes.name == "p"
    assert flat((value, vars(slopes))) == pytest.approx(flat(wanted), rel=1e-13)


def test_chunks_of_unknown_size_and_without_rows(da: Any) -> None:
    from pygrad.dask import value_and_grad as chunked

    x, y = rows(30)
    some = y > 0.5
    cx, cy = da.from_array(x, (10, 2)), da.from_array(y, 10)
    few = da.from_array(np.concatenate([some[:10], np.zeros(10, bool), some[20:]]), 10)
    kept = few.compute()
    wanted = value_and_grad(vmap(loss, (None, 0, 0), reduce="mean"))(P, x[kept], y[kept])
    assert flat(chunked(loss)(P, cx[few], cy[few])) == pytest.approx(flat(wanted), rel=1e-13)
    nothing = da.from_array(np.zeros(30, bool), 10)
    with pytest.raises(ValueError, match="no rows in any chunk"):
        chunked(loss)(P, cx[nothing], cy[nothing])


def test_chunks_that_do_not_fit(da: Any) -> None:
    from pygrad.dask import value_and_grad as chunked

    x, y = rows(30)
    step = chunked(loss)
    cx, cy = da.from_array(x, (10, 2)), da.from_array(y, 10)
    for args, error, words in [
        ((P, cx, da.from_array(y, 15)), ValueError, r"array 1 has other chunks.*rechunk"),
        ((P, da.from_array(x, (10, 1)), cy), ValueError, r"array 0 is cut along other axes"),
        ((P, x, cy), TypeError, r"array 0 must be a Dask array.*not ndarray"),
        ((P,), ValueError, "there is no array"),
        (("p", cx, cy), TypeError, "the parameters must be"),
    ]:
        with pytest.raises(error, match=words):
            step(*args)
    for bad, error in [({"reduce": "max"}, ValueError), ({"fan_in": 1}, ValueError)]:
        with pytest.raises(error):
            chunked(loss, **bad)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="takes a function"):
        chunked(3)  # type: ignore[arg-type]


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from pygrad.dask import value_and_grad as chunked

    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(ImportError, match=r"pip install 'pygrad-core\[dask\]'"):
        chunked(loss)(P)


def test_tokens_tell_functions_apart(da: Any) -> None:
    from dask.base import tokenize

    def token(f: Any) -> str:
        return str(tokenize(f, ensure_deterministic=True))

    w = Value(2.0)
    make = lambda k: compile_(lambda x: w * x * k if x > 0 else -x * k)  # noqa: E731
    f, g = make(1.0), make(3.0)
    assert token(f) == token(f) != token(g)
    f(1.0)
    called = token(f)
    assert called == token(f)
    # What has the same programs so far is another function yet.
    same, other = compile_(lambda x: x if x > 0 else -x), compile_(lambda x: x if x > 0 else 5 * x)
    same(1.0)
    other(1.0)
    assert to_bytes(same.store) == to_bytes(other.store)
    assert token(same) != token(other)
    w.data = 7.0
    assert token(f) != called
    loaded = pickle.loads(pickle.dumps(f))
    assert token(loaded) == token(pickle.loads(pickle.dumps(f)))
    before = token(loaded)
    loaded.captured[0].data = 1.0
    assert token(loaded) != before
    assert len({token(compile_(plain, static_argnums=n)) for n in (0, 1)}) == 2


@pytest.mark.long
def test_a_cluster_of_processes_of_which_one_is_killed(da: Any) -> None:
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    done = subprocess.run(
        [sys.executable, str(Path(__file__).resolve().parents[1] / "isolated" / "cluster.py")],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["killed and gone"]
    assert found["on the cluster"] == found["in one process"]
    for a, b in zip(found["on the cluster"], found["without Dask"], strict=True):
        assert a == pytest.approx(b, rel=1e-13)
    assert found["remote"][0] == found["without Dask"][0][0]
    assert found["untraced"] == 8.0
