"""Pictures of derivatives with matplotlib: ``pip install 'pygrad-core[plot]'``.

Every function draws into the Axes ``ax``, or into a new pyplot figure if there is none, and returns the
Axes. None calls ``show`` or changes matplotlib's settings: ``ax.figure.savefig("x.png")`` keeps a picture,
``plt.show()`` shows it, and a notebook does so by itself. No meaning is in the colour alone.

A figure of your own wants ``layout="constrained"``, or its pictures may reach into each other.

    from pygrad import plot
    ax = plot.tangent(lambda x: 3 * x**2 - 4 * x + 5, 3.0, over=(-5, 5))
    ax.figure.savefig("tangent.png")

After ``plot.register_values()`` matplotlib's own functions take Values, too: ``plt.plot(losses)``.
"""

from pygrad.plot import boundary, pictures, values
from pygrad.plot.boundary import *  # noqa: F403
from pygrad.plot.pictures import *  # noqa: F403
from pygrad.plot.values import *  # noqa: F403

__all__ = boundary.__all__ + pictures.__all__ + values.__all__
