"""Functions whose derivative is not that of their operations, but what somebody says it is.

`custom.py` has the two kinds of rule, for the way forward and for the way back; `applied.py` calls them
where a derivative is wanted; `described.py` says in errors whose rule it was.
"""
