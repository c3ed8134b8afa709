"""Wrong answers nobody thought of: every small change of a right answer's syntax tree, one at a time."""
from __future__ import annotations

import ast
import inspect
import math
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import torch

Node = ast.expr
OPERATORS: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub, ast.Mult), ast.Sub: (ast.Add,), ast.Mult: (ast.Div, ast.Add), ast.Div: (ast.Mult,),
    ast.Pow: (ast.Mult,)}
METHODS = {"relu": ("abs", "sigmoid"), "sigmoid": ("tanh", "relu"), "sum": ("mean", "prod"), "log2": ("log",),
           "linspace": ("logspace",)}


def mutants(answer: Callable[..., Any]) -> Iterator[tuple[str, Callable[..., Any]]]:
    """(what was changed, the changed function) for every mutant of a function written with def."""
    text = textwrap.dedent(inspect.getsource(answer))
    tree = ast.parse(text)
    size = len([n for n in ast.walk(tree) if isinstance(n, ast.expr)])
    for place in range(size):
        for way in range(8):
            change = Change(place, way, _parameters(tree))
            mutant = change.visit(ast.parse(text))  # sooner than a deep copy
            if not change.said:
                break  # this place has no more ways
            yield change.said, _compiled(ast.fix_missing_locations(mutant), answer)


def _parameters(tree: ast.Module) -> list[str]:
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    return [a.arg for a in function.args.args]


def _compiled(tree: ast.Module, answer: Callable[..., Any]) -> Callable[..., Any]:
    space: dict[str, Any] = dict(answer.__globals__) | {"torch": torch, "math": math}
    exec(compile(tree, "<mutant>", "exec"), space)
    mutant: Callable[..., Any] = space[answer.__name__]
    return mutant


class Change(ast.NodeTransformer):
    """Changes the expression number `place` in the way number `way`, if there is one."""

    def __init__(self, place: int, way: int, parameters: list[str]) -> None:
        self.place, self.way, self.parameters, self.seen, self.said = place, way, parameters, -1, ""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.expr):
            self.seen += 1
            if self.seen == self.place:
                ways = list(self.ways(node))
                if self.way < len(ways):
                    new = ways[self.way]
                    self.said = f"{ast.unparse(node)}  ->  {ast.unparse(new)}"
                    return new
        return super().generic_visit(node)

    def ways(self, node: Node) -> Iterator[Node]:
        """Everything this kind of expression can turn into."""
        if isinstance(node, ast.BinOp):
            yield from self.operations(node)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            yield node.operand  # sign; an axis from the end becomes one from the start
            if isinstance(node.operand, ast.Constant) and isinstance(node.operand.value, int):
                yield ast.UnaryOp(ast.USub(), ast.Constant(node.operand.value + 1))  # the other axis
        elif isinstance(node, ast.Attribute) and node.attr in ("mT", "T"):
            yield node.value  # a transpose dropped
        elif isinstance(node, ast.Call):
            yield from self.calls(node)
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
            yield from self.constants(node)
        elif isinstance(node, ast.Name) and node.id in self.parameters and isinstance(node.ctx, ast.Load):
            yield from (ast.Name(other, ast.Load()) for other in self.parameters if other != node.id)
        elif isinstance(node, ast.Tuple) and len(node.elts) > 1 and isinstance(node.ctx, ast.Load):
            yield ast.Tuple(node.elts[::-1], ast.Load())
            yield ast.Tuple(node.elts[1:] + node.elts[:1], ast.Load())

    def operations(self, node: ast.BinOp) -> Iterator[Node]:
        for op in OPERATORS.get(type(node.op), ()):
            yield ast.BinOp(node.left, op(), node.right)
        yield node.left  # a term, a factor or an eps dropped
        yield node.right
        if isinstance(node.op, ast.Sub | ast.Div | ast.MatMult | ast.Pow):
            yield ast.BinOp(node.right, node.op, node.left)

    def calls(self, node: ast.Call) -> Iterator[Node]:
        if isinstance(node.func, ast.Attribute):
            for other in METHODS.get(node.func.attr, ()):
                yield ast.Call(ast.Attribute(node.func.value, other, ast.Load()), node.args, node.keywords)
            if not (isinstance(node.func.value, ast.Name) and node.func.value.id in ("torch", "math")):
                yield node.func.value  # the call dropped
        for n in range(len(node.keywords)):
            yield ast.Call(node.func, node.args, node.keywords[:n] + node.keywords[n + 1:])

    def constants(self, node: ast.Constant) -> Iterator[Node]:
        value = node.value
        assert isinstance(value, int | float)
        if isinstance(value, int):
            yield ast.Constant(value + 1)
            yield ast.Constant(value - 1)
        else:
            yield ast.Constant(0.0)
            yield ast.Constant(2 * value)
            yield ast.UnaryOp(ast.USub(), ast.Constant(value))
