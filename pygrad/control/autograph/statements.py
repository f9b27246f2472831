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
        def ag__test_1():
            return ag__.ld(x, 'x') > 1
<BLANKLINE>
        def ag__body_1():
            nonlocal x
            x = ag__.ld(x, 'x') / 2
        ag__.while_(0, ag__test_1, ag__body_1)
        return ag__.Return(ag__.ld(x, 'x'))
    return ag__.result(1, ag__main)
"""

from __future__ import annotations

import ast
import copy
from typing import Any, NamedTuple

from pygrad.control.autograph.dividing import as_comparisons
from pygrad.control.autograph.errors import AutographError
from pygrad.control.autograph.expressions import AG, Expressions, assigns, call, thunk
from pygrad.control.autograph.names import (
    arguments,
    declared,
    ends,
    exits,
    loaded,
    own,
    rebound_within,
    returns,
    stored,
)


class Info(NamedTuple):
    """What the run time knows of a construct: its line, and the names that it assigns."""

    line: int
    stored: frozenset[str] = frozenset()
    temporary: frozenset[str] = frozenset()  # of these, those that nobody reads outside
    pure: bool = False  # it changes nothing
    named: bool = False  # a loop over what a variable holds


def converted(function: Any, owner: str = "") -> tuple[Any, list[Info]]:
    """A function's definition, converted in place, and what is known of its constructs."""
    infos: list[Info] = []
    _Statements(infos, function, owner, set()).function(function)
    return ast.fix_missing_locations(function), infos


class _Statements(Expressions):
    """Converts one function's statements."""

    def __init__(self, infos: list[Info], function: Any, owner: str, outer: set[str]) -> None:
        """outer: names of functions around it that are read by ag__.ld()."""
        self.infos, self.owner = infos, owner
        self.globals = declared(function.body, ast.Global)
        self.nonlocals = declared(function.body, ast.Nonlocal)
        given = arguments(function.args)
        self.first = given[0] if given else None
        self.locals = (stored(function.body) | set(given)) - self.globals - self.nonlocals
        changed = {
            name
            for node in own(function.body)
            if isinstance(node, ast.If | ast.While | ast.For) or as_comparisons(node) is not None
            for name in stored([node])
        } | rebound_within(function.body)
        own_names = set(given) | self.locals
        self.checked = (outer - own_names) | ((changed & self.locals) | (changed & self.nonlocals))
        self.body = function.body
        self.rebound = rebound_within(function.body) & self.locals
        self.inner: set[str] = set()  # names that functions in it read
        for node in own(function.body):
            if isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
                body = node.body if isinstance(node.body, list) else [node.body]
                self.inner |= loaded(body)
        self.reads: dict[str, int] = {}
        for root in function.body:
            for name, count in _reads(root).items():
                self.reads[name] = self.reads.get(name, 0) + count
        self.count = 0

    # -- functions -------------------------------------------------------------------------------

    def function(self, node: Any) -> None:
        refuse_what_has_no_counterpart(node)
        docs = node.body[:1] if ast.get_docstring(node, clean=False) is not None else []
        main = self.made("main", node.body[len(docs) :])
        number = self.number_of(node)
        names = sorted(self.locals)
        known: list[ast.stmt] = []
        if names:
            targets: list[ast.expr] = [ast.Name(self.mangled(name), ast.Store()) for name in names]
            known = [ast.If(ast.Constant(0), [ast.Assign(targets, ast.Constant(None))], [])]
        node.body = [*docs, *known, main, ast.Return(call("result", number, _name("main")))]

    def nested_function(self, node: Any) -> Any:
        node.decorator_list = [self.visit(each) for each in node.decorator_list]
        node.args.defaults = [self.visit(each) for each in node.args.defaults]
        node.args.kw_defaults = [each and self.visit(each) for each in node.args.kw_defaults]
        if not is_generator(node):
            _Statements(self.infos, node, self.owner, self.checked).function(node)
        return node

    def made(self, name: str, statements: list[ast.stmt], argument: str | None = None) -> Any:
        """A function ag__NAME of converted statements, which assigns the names that it is within."""
        names = stored(statements)
        body = self.block(statements)
        nonlocals = sorted(map(self.mangled, names & (self.locals | self.nonlocals)))
        head: list[ast.stmt] = [ast.Nonlocal(nonlocals)] if nonlocals else []
        if names & self.globals:
            head.append(ast.Global(sorted(names & self.globals)))
        args = ast.arguments(
            posonlyargs=[],
            args=[ast.arg(argument)] if argument else [],
            kwonlyargs=[],
            kw_defaults=[],
            defaults=[],
        )
        made: Any = ast.FunctionDef(f"{AG}{name}", args, head + body or [ast.Pass()], [])
        if hasattr(made, "type_params") or "type_params" in ast.FunctionDef._fields:
            made.type_params = []
        if statements:
            ast.copy_location(made, statements[0])
        return made

    def number_of(self, node: ast.AST, **facts: Any) -> ast.Constant:
        self.infos.append(Info(getattr(node, "lineno", 0), **facts))
        return ast.Constant(len(self.infos) - 1)

    def facts(self, nodes: list[ast.stmt]) -> dict[str, frozenset[str]]:
        """What a loop assigns, and what of that nobody reads but the loop."""
        names = (stored(nodes) & (self.locals | self.nonlocals)) | self.rebound
        temporary = set()
        within: dict[str, int] = {}
        for node in nodes:
            for name, count in _reads(node).items():
                within[name] = within.get(name, 0) + count
        for name in names & self.locals - self.inner - self.rebound:
            if self.reads.get(name, 0) == within.get(name, 0):
                temporary.add(name)
        return {"stored": frozenset(names), "temporary": frozenset(temporary)}

    # -- statements ------------------------------------------------------------------------------

    def block(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        """Statements that end a function of the run time's."""
        made: list[ast.stmt] = []
        for at, node in enumerate(statements):
            rest = statements[at + 1 :]
            if isinstance(node, ast.If):
                made += self.before(node)
            if isinstance(node, ast.If) and exits([node]):
                return made + self.leaving(node, rest)
            if isinstance(node, ast.While | ast.For):
                new, is_over = self.loop(node, rest)
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
        if not any(map(assigns, test.values[1:])):
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
            ast.Assign([ast.Name(name, ast.Store())], first),
            ast.If(asked, [*statements, ast.Assign([ast.Name(name, ast.Store())], last)], []),
        ]
        made = [ast.fix_missing_locations(_at(each, test)) for each in made]
        return [*before, *made], _global(name)

    def statement(self, node: ast.stmt) -> list[ast.stmt]:
        """Any other statement."""
        if isinstance(node, ast.Return):
            value = self.visit(node.value) if node.value is not None else ast.Constant(None)
            return [_at(ast.Return(call("Return", value)), node)]
        if isinstance(node, ast.Break | ast.Continue):
            name = "BREAK" if isinstance(node, ast.Break) else "CONTINUE"
            return [_at(ast.Return(ast.Attribute(_global(AG), name, ast.Load())), node)]
        if isinstance(node, ast.If):
            return self.branch(node)
        if isinstance(node, ast.Assert):
            return self.branch(_as_branch(node))
        compared = as_comparisons(node)
        if compared is not None:
            within = [made for each in copy.deepcopy(compared) for made in self.statement(each)]
            return [_at(ast.If(call("rolls"), within, [self.plainly(node)]), node)]
        if isinstance(node, ast.With | ast.Try | ast.Match) or type(node).__name__ == "TryStar":
            return [self.plainly(node)]
        if isinstance(node, ast.Nonlocal | ast.Global):
            return []
        checks: list[ast.stmt] = []
        if isinstance(node, ast.AugAssign):
            if isinstance(node.target, ast.Name) and node.target.id in self.checked:
                name = self.mangled(node.target.id)
                read = call("ld", ast.Name(name, ast.Load()), ast.Constant(name))
                checks = [_at(ast.Assign([ast.Name(name, ast.Store())], read), node)]
            if isinstance(node.target, ast.Subscript):
                return self.added_to_an_item(node)
        if isinstance(node, ast.Raise) and node.exc is not None:
            node.exc = self.visit(node.exc)
            node.cause = node.cause and self.visit(node.cause)
            return [node]
        return [*checks, self.visit(node)]

    def added_to_an_item(self, node: ast.AugAssign) -> list[ast.stmt]:
        return [self.visit(node)]

    def branch(self, node: ast.If) -> list[ast.stmt]:
        """An `if` after which things go on in any case."""
        self.count += 1
        true, false = f"true_{self.count}", f"false_{self.count}"
        number = self.number_of(node, stored=frozenset(stored([node])))
        test = self.visit(node.test)
        return [
            _at(self.made(true, node.body), node),
            _at(self.made(false, node.orelse), node),
            _at(ast.Expr(call("if_", number, test, _name(true), _name(false))), node),
        ]

    def leaving(self, node: ast.If, rest: list[ast.stmt]) -> list[ast.stmt]:
        """An `if` that may leave, and what follows it."""
        self.count += 1
        true, false, after = (f"{name}_{self.count}" for name in ("true", "false", "rest"))
        made: list[ast.stmt] = []
        one, other = list(node.body), list(node.orelse)
        number = self.number_of(node, stored=frozenset(stored([node])))
        test = self.visit(node.test)
        if rest and not (ends(one) and ends(other)):
            if not ends(one) and not ends(other):
                made.append(_at(self.made(after, rest), rest[0]))
                one.append(_Go(after))
                other.append(_Go(after))
            elif ends(one):
                other += rest
            else:
                one += rest
        made.append(_at(self.made(true, one), node))
        made.append(_at(self.made(false, other), node))
        made.append(_at(ast.Return(call("branch", number, test, _name(true), _name(false))), node))
        return made

    def visit__Go(self, node: Any) -> Any:
        return ast.Return(ast.Call(_name(node.name), [], []))

    def loop(self, node: Any, rest: list[ast.stmt]) -> tuple[list[ast.stmt], bool]:
        """A loop; and whether what follows it is done with, too."""
        self.count += 1
        at = self.count
        facts = self.facts([node])
        named = isinstance(node, ast.For) and not isinstance(node.iter, ast.Call)
        number = self.number_of(node, named=named, **facts)
        made: list[ast.stmt] = []
        if isinstance(node, ast.While):
            before, truth = self.one_by_one(node.test)
            test = self.made(f"test_{at}", [*before, ast.Expr(truth)])
            test.body[-1] = ast.Return(test.body[-1].value)
            body = self.made(f"body_{at}", node.body)
            done = call("while_", number, _name(f"test_{at}"), _name(f"body_{at}"))
            made += [_at(test, node), _at(body, node)]
        else:
            item = f"{AG}item_{at}"
            first = ast.copy_location(ast.Assign([node.target], ast.Name(item, ast.Load())), node)
            body = self.made(f"body_{at}", [first, *node.body], item)
            done = call("for_", number, self.visit(node.iter), _name(f"body_{at}"))
            made.append(_at(body, node))
        if not node.orelse and not returns(node):
            return [*made, _at(ast.Expr(done), node)], False
        signal = f"{AG}signal_{at}"
        made.append(_at(ast.Assign([ast.Name(signal, ast.Store())], done), node))
        others = rest
        if node.orelse:
            unbroken = _at(ast.If(_Made(call("unbroken", _global(signal))), node.orelse, []), node)
            others = [unbroken, *rest]
        made.append(_at(self.made(f"after_{at}", others), node))
        made.append(
            _at(ast.Return(call("after", number, _global(signal), _name(f"after_{at}"))), node)
        )
        return made, True

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
                case.guard = call("truth", self.number_of(node), self.visit(case.guard))
            case.body = self.in_place(case.body)
        if isinstance(node, ast.With | ast.AsyncWith):
            node.body = [self.watched(node)]
        if isinstance(node, _TRIES) and node.handlers:
            number = self.number_of(node)
            block = call("trying", number, thunk(_caught(node.handlers)))
            node.body = [_at(ast.With([ast.withitem(block)], node.body), node)]
        return node

    def watched(self, node: Any) -> ast.stmt:
        """The block of a with, in one that knows what its managers do not let through."""
        number = self.number_of(node)
        names = [f"manager_{number.value!r}_{at}" for at in range(len(node.items))]
        for item, name in zip(node.items, names, strict=True):
            item.context_expr = ast.NamedExpr(
                ast.Name(f"{AG}{name}", ast.Store()), item.context_expr
            )
        managers = ast.Tuple([_name(name) for name in names], ast.Load())
        block = call("within", number, thunk(managers))
        return _at(ast.With([ast.withitem(block)], node.body), node)  # type: ignore[no-any-return]

    def in_place(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        made: list[ast.stmt] = []
        for node in statements:
            if isinstance(node, ast.If):
                made += self.before(node)
            if isinstance(node, ast.If) and exits([node]):
                node.test = call("truth", self.number_of(node), self.visit(node.test))
                node.body, node.orelse = self.in_place(node.body), self.in_place(node.orelse)
                made.append(node)
            elif isinstance(node, ast.While | ast.For):
                made += self.loop_in_place(node)
            else:
                made += self.statement(node)
        return made

    def loop_in_place(self, node: Any) -> list[ast.stmt]:
        orelse, node.orelse = node.orelse, []
        may_return = returns(node)
        number = self.number_of(node)
        if not orelse and not may_return:
            return self.loop(node, [])[0]
        new, _ = self.loop(node, [])
        if not may_return:  # there is an else only
            signal = f"{AG}s"
            done: Any = new.pop()
            new.append(_at(ast.Assign([ast.Name(signal, ast.Store())], done.value), node))
        else:
            new = new[:-2]
            signal = new[-1].targets[0].id  # type: ignore[attr-defined]
            left = call("has_returned", number, _global(signal))
            new.append(_at(ast.If(left, [ast.Return(_global(signal))], []), node))
        if orelse:
            test = call("truth", number, call("unbroken", _global(signal)))
            new.append(_at(ast.If(test, self.in_place(orelse), []), node))
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
    return ast.Tuple(flat, ast.Load())


def _as_branch(node: ast.Assert) -> ast.If:
    wrong = ast.Call(_global("AssertionError"), [node.msg] if node.msg is not None else [], [])
    no = ast.UnaryOp(ast.Not(), node.test)
    return _at(ast.If(no, [ast.Raise(wrong, None)], []), node)  # type: ignore[no-any-return]


def _reads(node: ast.AST) -> dict[str, int]:
    """How often names are read in code."""
    found: dict[str, int] = {}
    for each in ast.walk(node):
        name = ""
        if isinstance(each, ast.Name) and not isinstance(each.ctx, ast.Store):
            name = each.id
        elif isinstance(each, ast.AugAssign) and isinstance(each.target, ast.Name):
            name = each.target.id
        if name:
            found[name] = found.get(name, 0) + 1
    return found


def is_generator(node: Any) -> bool:
    """Whether a call of a function does not run it."""
    yields = (ast.Yield, ast.YieldFrom, ast.Await)
    return isinstance(node, ast.AsyncFunctionDef) or any(
        isinstance(each, yields) for each in own(node.body)
    )


def refuse_what_has_no_counterpart(node: Any) -> None:
    for each in own(node.body):
        if not isinstance(each, ast.Call):
            continue
        name = getattr(each.func, "id", "")
        if name in {"locals", "eval", "exec"} or (name in {"vars", "dir"} and not each.args):
            raise AutographError(
                f"{name}() is called in line {each.lineno}, which sees the function's variables by name"
            )


def _name(name: str) -> ast.Name:
    return ast.Name(f"{AG}{name}", ast.Load())


def _global(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _at(made: Any, node: ast.AST) -> Any:
    return ast.copy_location(made, node)
