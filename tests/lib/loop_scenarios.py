"""Calls of functions with loops and branches that may run out of memory: see memory_scenarios.py."""

from __future__ import annotations

import function_scenarios
import numpy as np
from function_scenarios import FunctionScenario
from winding import roots, winding

from pygrad import compile, value_and_grad, vmap

SCENARIOS = function_scenarios.SCENARIOS  # those of here are added


@function_scenarios.scenario
def loop_on_a_row() -> FunctionScenario:
    f = compile(value_and_grad(winding))
    f(1.5)
    return FunctionScenario(lambda: f(0.75), compiled=[f])


@function_scenarios.scenario
def loop_over_rows() -> FunctionScenario:
    f = compile(vmap(value_and_grad(winding)))
    x = np.linspace(-2.0, 2.0, 70)
    f(x)
    return FunctionScenario(lambda: f(x[::-1]), compiled=[f])


@function_scenarios.scenario
def loop_that_is_traced() -> FunctionScenario:
    f = compile(value_and_grad(winding))
    return FunctionScenario(lambda: f(0.75), compiled=[f])


@function_scenarios.scenario
def solutions_in_a_loop() -> FunctionScenario:
    f = compile(value_and_grad(roots))
    return FunctionScenario(lambda: f(2.0), compiled=[f])
