"""Statements of converted code: loops and branches are functions that the run time calls.

What follows an `if` that may leave its loop or function is a function, too, which the branches that go on
call at their end. So `break`, `continue` and `return` are what such functions return: ag__.BREAK,
ag__.CONTINUE, ag__.Return(value), and at their end None.

>>> import ast
>>> print(ast.unparse(converted(ast.parse("def f(x):\\n  while x > 1: x = x / 2\\n  return x").body[0])[0]))
def f(x):
    if 0:
        x = None
<BLANKLINE>
    def ag__main():
        nonlocal x
<BLANKLINE>
        def ag__test():
            return ag__.ld(x, 'x') > 1
<BLANKLINE>
        def ag__body():
            nonlocal x
            x = ag__.ld(x, 'x') / 2
        ag__.while_(0, ag__test, ag__body)
        return ag__.Return(ag__.ld(x, 'x'))
    return ag__.result(1, ag__main)
"""

from __future__ import annotations

import ast
import copy
from typing import Any, NamedTuple

from pygrad.control.autograph.dividing import as_comparisons
from pygrad.control.autograph.errors import AutographError
from pygrad.control.autograph.expressions import Expressions, call, of_run_time, thunk
from pygrad.control.autograph.notes import ASSIGNS, RETURNS, ends, may, notes_of, scope_of, stored
from pygrad.control.autograph.trees import AG, LOAD, STORE, new_function, parameters, placed


class Info(NamedTuple):
    """What the run time knows of a construct: its line, and the names that it assigns."""

    line: int
    stored: frozenset[str] = frozenset()  # of a loop
    temporary: frozenset[str] = frozenset()  # of these, those that nobody reads outside
    pure: bool = False  # it changes nothing
    named: bool = False  # a loop over what a variable holds


def converted(function: Any, owner: str = "") -> tuple[Any, list[Info]]:
    """A function's definition, converted in place, and what is known of its constructs."""
    infos: list[Info] = []
    _Statements(infos, function, owner, set()).convert(function)
    return function, infos


class _Statements(Expressions):
    """Converts one function's statements."""

    def __init__(self, infos: list[Info], function: Any, owner: str, outer: set[str]) -> None:
        """outer: names of functions around it that are read by ag__.ld()."""
        self.infos, self.owner = infos, owner
        self.scope = scope = scope_of(function)
        given = parameters(function.args)
        self.first = given[0] if given else None
        declared = scope.globals | scope.nonlocals
        self.locals = (scope.stored | set(given)) - declared
        self.checked = (outer - self.locals) | (scope.changed & (self.locals | scope.nonlocals))
        self.rebound = scope.rebound & self.locals
        self.count = 0

    # -- functions -------------------------------------------------------------------------------

    def convert(self, node: Any) -> None:
        self.refuse_what_has_no_counterpart()
        docs = node.body[:1] if ast.get_docstring(node, clean=False) is not None else []
        main = self.made("main", node.body[len(docs) :], node.body[0])
        number = self.number_of(node)
        names = sorted(self.locals)
        known: list[ast.stmt] = []
        if names:
            targets: list[ast.expr] = [ast.Name(self.mangled(name), STORE) for name in names]
            known = [ast.If(ast.Constant(0), [ast.Assign(targets, ast.Constant(None))], [])]
        made = [*known, main, ast.Return(call("result", number, _name("main")))]
        node.body = [*docs, *[placed(each, node) for each in made]]

    def refuse_what_has_no_counterpart(self) -> None:
        if self.scope.seeing:
            name, line = self.scope.seeing
            raise AutographError(
                f"{name}() is called in line {line}, which sees the function's variables by name"
            )

    def nested_function(self, node: Any) -> Any:
        node.decorator_list = [self.visit(each) for each in node.decorator_list]
        node.args.defaults = [self.visit(each) for each in node.args.defaults]
        node.args.kw_defaults = [each and self.visit(each) for each in node.args.kw_defaults]
        if not scope_of(node).waits:
            _Statements(self.infos, node, self.owner, self.checked).convert(node)
        return node

    def made(self, name: str, statements: list[ast.stmt], at: ast.stmt, *arguments: str) -> Any:
        """A function ag__NAME of converted statements, which assigns the names that it is within."""
        names = stored(statements)
        body = self.block(statements)
        nonlocals = sorted(map(self.mangled, self.variables(names)))
        head: list[ast.stmt] = [ast.Nonlocal(nonlocals)] if nonlocals else []
        if names & self.scope.globals:
            head.append(ast.Global(sorted(names & self.scope.globals)))
        made = new_function(f"{AG}{name}", arguments, head + body or [ast.Pass()])
        return placed(made, at)

    def variables(self, names: set[str]) -> set[str]:
        """Those of names that are variables of this function, or of one around it."""
        return (names & self.locals) | (names & self.scope.nonlocals)

    def number_of(self, node: ast.AST, **facts: Any) -> ast.Constant:
        self.infos.append(Info(getattr(node, "lineno", 0), **facts))
        return ast.Constant(len(self.infos) - 1)

    def facts(self, loop: ast.stmt) -> dict[str, frozenset[str]]:
        """What a loop assigns, and what of that nobody reads but the loop."""
        notes, scope = notes_of(loop), self.scope
        names = self.variables(notes.stored) | self.rebound
        alone = (names & self.locals) - scope.inner - self.rebound
        temporary = [n for n in alone if notes.reads.get(n) == scope.reads.get(n)]
        return {"stored": frozenset(names), "temporary": frozenset(temporary)}

    # -- statements ------------------------------------------------------------------------------

    def block(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        """Statements that end a function of the run time's."""
        made: list[ast.stmt] = []
        for at, node in enumerate(statements):
            if isinstance(node, ast.If):
                made += self.before(node)
                if notes_of(node).leaves:
                    return made + self.leaving(node, statements[at + 1 :])
            if isinstance(node, ast.While | ast.For):
                new, is_over = self.loop(node, statements[at + 1 :])
                made += new
                if is_over:
                    return made
                continue
            made += self.statement(node)
            if isinstance(node, ast.Return | ast.Break | ast.Continue | ast.Raise):
                return made
        return made

    def before(self, node: ast.If) -> list[ast.stmt]:
        """What comes before an `if`: operands of `and` and `or` in its test that assign, one by one."""
        first, node.test = self.one_by_one(node.test)
        return [made for each in first for made in self.statement(each)]

    def one_by_one(self, test: ast.expr) -> tuple[list[ast.stmt], ast.expr]:
        """A test as statements and the variable that they leave it in, if a later operand assigns: such an
        operand is no expression of a function of its own."""
        if not isinstance(test, ast.BoolOp):
            return [], test
        before, test.values[0] = self.one_by_one(test.values[0])
        if not may(ASSIGNS, test.values[1:]):
            return before, test
        self.count += 1
        name = f"{AG}truth_{self.count}"
        self.locals.add(name)
        self.checked.add(name)
        first, *others = test.values
        more = others[0] if len(others) == 1 else ast.BoolOp(test.op, others)
        statements, last = self.one_by_one(more)
        asked: ast.expr = _global(name)
        if isinstance(test.op, ast.Or):
            asked = ast.UnaryOp(ast.Not(), asked)
        made: list[ast.stmt] = [
            ast.Assign([ast.Name(name, STORE)], first),
            ast.If(asked, [*statements, ast.Assign([ast.Name(name, STORE)], last)], []),
        ]
        return [*before, *[placed(each, test) for each in made]], placed(_global(name), test)

    def statement(self, node: ast.stmt) -> list[ast.stmt]:
        """Any other statement."""
        if isinstance(node, ast.Return):
            value = self.visit(node.value) if node.value is not None else ast.Constant(None)
            return [placed(ast.Return(call("Return", value)), node)]
        if isinstance(node, ast.Break | ast.Continue):
            name = "BREAK" if isinstance(node, ast.Break) else "CONTINUE"
            return [placed(ast.Return(of_run_time(name)), node)]
        if isinstance(node, ast.If):
            return self.branch(node)
        if isinstance(node, ast.Assert):
            return self.branch(_as_branch(node))
        compared = as_comparisons(node)
        if compared is not None:
            within = [made for each in copy.deepcopy(compared) for made in self.statement(each)]
            return [placed(ast.If(call("rolls"), within, [self.plainly(node)]), node)]
        if isinstance(node, ast.With | ast.Try | ast.Match) or type(node).__name__ == "TryStar":
            return [self.plainly(node)]
        if isinstance(node, ast.Nonlocal | ast.Global):
            return []
        if isinstance(node, ast.AnnAssign):  # which no variable of a function around it can be of
            if node.value is None:
                return [placed(ast.Pass(), node)]
            node = placed(ast.Assign([node.target], node.value), node)
        checks: list[ast.stmt] = []
        target = node.target if isinstance(node, ast.AugAssign) else None
        if isinstance(target, ast.Name) and target.id in self.checked:
            name = self.mangled(target.id)
            read = call("ld", _global(name), ast.Constant(name))
            checks = [placed(ast.Assign([ast.Name(name, STORE)], read), node)]
        if isinstance(node, ast.Raise) and node.exc is not None:
            node.exc = self.visit(node.exc)
            node.cause = node.cause and self.visit(node.cause)
            return [node]
        return [*checks, self.visit(node)]

    def branch(self, node: ast.If) -> list[ast.stmt]:
        """An `if` after which things go on in any case."""
        number = self.number_of(node)
        test = self.visit(node.test)
        made: list[ast.stmt] = [self.made("true", node.body, node)]
        made += [self.made("false", node.orelse, node)] if node.orelse else []
        return [*made, placed(ast.Expr(call("if_", number, test, *_ways(node.orelse))), node)]

    def leaving(self, node: ast.If, rest: list[ast.stmt]) -> list[ast.stmt]:
        """An `if` that may leave, and what follows it."""
        made: list[ast.stmt] = []
        one, other = list(node.body), list(node.orelse)
        number = self.number_of(node)
        test = self.visit(node.test)
        if rest and not (ends(one) and ends(other)):
            if not ends(one) and not ends(other):
                self.count += 1
                after = f"rest_{self.count}"  # which branches within branches go on with, too
                made.append(self.made(after, rest, rest[0]))
                one.append(placed(_Go(after), node))
                other.append(placed(_Go(after), node))
            elif ends(one):
                other += rest
            else:
                one += rest
        made.append(self.made("true", one, node))
        made += [self.made("false", other, node)] if other else []
        return [*made, placed(ast.Return(call("branch", number, test, *_ways(other))), node)]

    def visit__Go(self, node: Any) -> Any:
        return ast.Return(ast.Call(_name(node.name), [], []))

    def loop(self, node: Any, rest: list[ast.stmt]) -> tuple[list[ast.stmt], bool]:
        """A loop; and whether what follows it is done with, too."""
        facts = self.facts(node)
        named = isinstance(node, ast.For) and not isinstance(node.iter, ast.Call)
        number = self.number_of(node, named=named, **facts)
        made: list[ast.stmt] = []
        if isinstance(node, ast.While):
            before, truth = self.one_by_one(node.test)
            test = self.made("test", [*before, ast.Expr(truth)], node)
            test.body[-1] = placed(ast.Return(test.body[-1].value), node)
            body = self.made("body", node.body, node)
            done = call("while_", number, _name("test"), _name("body"))
            made += [test, body]
        else:
            item = f"{AG}item"
            first = placed(ast.Assign([node.target], ast.Name(item, LOAD)), node)
            body = self.made("body", [first, *node.body], node, item)
            done = call("for_", number, self.visit(node.iter), _name("body"))
            made.append(body)
        if not node.orelse and not notes_of(node).leaves & RETURNS:
            return [*made, placed(ast.Expr(done), node)], False
        self.count += 1
        signal = f"{AG}signal_{self.count}"  # what follows reads it, with loops of its own
        made.append(placed(ast.Assign([ast.Name(signal, STORE)], done), node))
        others = rest
        if node.orelse:
            unbroken = placed(
                ast.If(_Made(call("unbroken", _global(signal))), node.orelse, []), node
            )
            others = [unbroken, *rest]
        made.append(self.made("after", others, node))
        done = call("after", number, _global(signal), _name("after"))
        return [*made, placed(ast.Return(done), node)], True

    def visit__Made(self, node: Any) -> Any:
        return node.expression

    def plainly(self, node: Any) -> Any:
        """try, with and match: their blocks stay where they are, and ask for truths that decide."""
        for name in ("items", "subject"):
            part = getattr(node, name, None)
            if isinstance(part, list):
                for item in part:
                    item.context_expr = self.visit(item.context_expr)
            elif part is not None:
                setattr(node, name, self.visit(part))
        for name in ("body", "orelse", "finalbody"):
            if getattr(node, name, None):
                setattr(node, name, self.in_place(getattr(node, name)))
        for handler in getattr(node, "handlers", ()):
            if handler.type is not None:
                handler.type = self.visit(handler.type)
            handler.body = self.in_place(handler.body)
        for case in getattr(node, "cases", ()):
            if case.guard is not None:
                case.guard = self.truth(node, self.visit(case.guard))
            case.body = self.in_place(case.body)
        if isinstance(node, ast.With | ast.AsyncWith):
            node.body = [self.watched(node)]
        if isinstance(node, _TRIES) and node.handlers:
            number = self.number_of(node)
            block = call("trying", number, thunk(_caught(node.handlers)))
            node.body = [placed(ast.With([ast.withitem(block)], node.body), node)]
        return node

    def watched(self, node: Any) -> ast.stmt:
        """The block of a with, in one that knows what its managers do not let through."""
        number = self.number_of(node)
        names = [f"manager_{number.value!r}_{at}" for at in range(len(node.items))]
        for item, name in zip(node.items, names, strict=True):
            kept = ast.NamedExpr(ast.Name(f"{AG}{name}", STORE), item.context_expr)
            item.context_expr = placed(kept, node)
        managers = ast.Tuple([_name(name) for name in names], LOAD)
        block = call("within", number, thunk(managers))
        return placed(ast.With([ast.withitem(block)], node.body), node)  # type: ignore[no-any-return]

    def truth(self, node: Any, test: ast.expr) -> Any:
        """A test that decides at once."""
        return placed(call("truth", self.number_of(node), test), node)

    def in_place(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        made: list[ast.stmt] = []
        for node in statements:
            if isinstance(node, ast.If):
                made += self.before(node)
            if isinstance(node, ast.If) and notes_of(node).leaves:
                node.test = self.truth(node, self.visit(node.test))
                node.body, node.orelse = self.in_place(node.body), self.in_place(node.orelse)
                made.append(node)
            elif isinstance(node, ast.While | ast.For):
                made += self.loop_in_place(node)
            else:
                made += self.statement(node)
        return made

    def loop_in_place(self, node: Any) -> list[ast.stmt]:
        orelse, node.orelse = node.orelse, []
        may_return = notes_of(node).leaves & RETURNS
        number = self.number_of(node)
        if not orelse and not may_return:
            return self.loop(node, [])[0]
        new, _ = self.loop(node, [])
        if not may_return:  # there is an else only
            signal = f"{AG}s"
            done: Any = new.pop()
            new.append(placed(ast.Assign([ast.Name(signal, STORE)], done.value), node))
        else:
            new = new[:-2]
            signal = new[-1].targets[0].id  # type: ignore[attr-defined]
            left = call("has_returned", number, _global(signal))
            new.append(placed(ast.If(left, [ast.Return(_global(signal))], []), node))
        if orelse:
            test = self.truth(node, call("unbroken", _global(signal)))
            new.append(placed(ast.If(test, self.in_place(orelse), []), node))
        return new


_TRIES = (ast.Try, getattr(ast, "TryStar", ast.Try))  # which Python has from 3.11 on


class _Go(ast.stmt):
    """The call of what follows."""

    def __init__(self, name: str = "") -> None:
        super().__init__()
        self.name = name


class _Made(ast.expr):
    """An expression that is converted already."""

    def __init__(self, expression: Any = None) -> None:
        super().__init__()
        self.expression = expression


def _caught(handlers: list[ast.ExceptHandler]) -> ast.expr:
    """All that handlers catch, as an expression; None for everything."""
    types = [copy.deepcopy(handler.type) for handler in handlers if handler.type is not None]
    if len(types) < len(handlers):
        return ast.Constant(None)
    flat = [
        each for part in types for each in (part.elts if isinstance(part, ast.Tuple) else [part])
    ]
    return ast.Tuple(flat, LOAD)


def _as_branch(node: ast.Assert) -> ast.If:
    wrong = ast.Call(_global("AssertionError"), [node.msg] if node.msg is not None else [], [])
    no = ast.UnaryOp(ast.Not(), node.test)
    return placed(ast.If(no, [ast.Raise(wrong, None)], []), node)  # type: ignore[no-any-return]


def _name(name: str) -> ast.Name:
    return ast.Name(f"{AG}{name}", LOAD)


def _ways(orelse: list[ast.stmt]) -> list[ast.expr]:
    """What the functions of an `if` are called; without an `else` none is made for that."""
    return [_name("true"), _name("false") if orelse else of_run_time("nothing")]


def _global(name: str) -> ast.Name:
    return ast.Name(name, LOAD)
