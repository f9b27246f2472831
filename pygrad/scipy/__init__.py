"""SciPy's solvers with exact derivatives: minimize, least_squares, root, brentq, curve_fit.

Each is a thin wrapper with SciPy's own name, arguments, methods and results. It adds the derivatives that
the chosen method takes and you have not given: gradient, Hessian or its products, Jacobian, those of
constraints included. The function is ordinary Python: arithmetic, NumPy's ufuncs, sums and products,
functions of `pygrad.math`, loops and branches. It is called with an object array of Values where SciPy
alone would pass floats, by every method; where you give ``jac`` yourself it is passed on as it is.

At the start, an error in the function is raised. Later a solver may try a point that the function refuses
(log of a negative number, an overflow): a ValueError or ArithmeticError there counts as a value that is not
finite, from which most methods step back, and the result's ``message`` says that it happened. Results are
plain numbers, but in a function that is differentiated: there solutions depend on what their function,
bounds, constraints and data depend on, by the implicit function theorem. In compiled and mapped functions
calls and rows that come to a solver run without a program.

With ``sparse=True`` minimize and least_squares get Hessians and Jacobians as sparse arrays, from few sweeps
where they have many zeros (see pygrad.hessian). They are traced anew at each point, unless the function is
compiled.

The plain transforms fit SciPy's signatures too, without this module:
``scipy.optimize.minimize(f, x0, jac=grad(f), hess=hessian(f))``.

>>> from pygrad import math
>>> from pygrad.scipy import curve_fit, minimize
>>> def rosenbrock(x):
...     return sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in zip(x, x[1:]))
>>> result = minimize(rosenbrock, [-1.2, 1.0], method="trust-exact")
>>> result.success, result.x.round(6).tolist()
(True, [1.0, 1.0])
"""

from pygrad.scipy.equations import brentq as brentq
from pygrad.scipy.equations import root as root
from pygrad.scipy.fitting import curve_fit as curve_fit
from pygrad.scipy.fitting import least_squares as least_squares
from pygrad.scipy.minimizing import minimize as minimize
from pygrad.scipy.trajectories import solve_ivp as solve_ivp

__all__ = ["brentq", "curve_fit", "least_squares", "minimize", "root", "solve_ivp"]
