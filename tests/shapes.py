"""Array shapes in our packages' annotations, checked at every call while tests run: `BASALT_CHECK_SHAPES=1`."""

import ast
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from inspect import isclass
from types import CodeType, ModuleType
from typing import Any, get_args

ASKED = bool(os.environ.get("BASALT_CHECK_SHAPES"))
COMPILERS = {"njit", "intrinsic", "jit", "_jit"}
"""Decorators of numba and Triton that read a function's source, which has to be the bare one."""

DECORATOR = ast.parse(f"__import__('sys').modules[{__name__!r}].checked", mode="eval").body


def check() -> None:
    """Have every function and record of our packages checked that is imported from now on.

    Left out are functions without a shape, which mypy checks; those that a compiler takes; and those inside another,
    which would be wrapped anew at every call.
    """
    sys.meta_path.insert(0, Finder())


def checked(made: Any) -> Any:
    """A function, dataclass or named tuple, checked by jaxtyping and beartype where its annotations hold a shape."""
    from beartype import BeartypeConf, beartype
    from jaxtyping import jaxtyped  # loads numpy

    if isclass(made) and issubclass(made, tuple):
        made.__new__ = checked(made.__new__)
        return made
    annotations = getattr(made.__init__ if isclass(made) else made, "__annotations__", {})
    if not any(map(has_shape, annotations.values())):
        return made
    # As type checkers read annotations: an int will do for a float.
    return jaxtyped(made, typechecker=beartype(conf=BeartypeConf(is_pep484_tower=True)))


def has_shape(annotation: Any) -> bool:
    """Whether arrays of a shape are in an annotation."""
    from jaxtyping import AbstractArray

    if isinstance(annotation, str):
        return "[np.ndarray" in annotation or "[torch.Tensor" in annotation
    return (isclass(annotation) and issubclass(annotation, AbstractArray)) or any(map(has_shape, get_args(annotation)))


@contextmanager
def unchecked() -> Iterator[None]:
    """Nothing is checked inside, so that what is wrong can be made to see that it is refused."""
    from jaxtyping import config

    config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        config.update("jaxtyping_disable", False)


class Transformer(ast.NodeTransformer):
    """Decorates functions innermost, since decorators drop annotations, and classes outermost, after `dataclass`."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """A function of a module or a class; its body stays as it is."""
        if not {_name(decorator) for decorator in node.decorator_list} & COMPILERS:
            node.decorator_list.append(ast.copy_location(DECORATOR, node))
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """A class and its methods."""
        node.decorator_list.insert(0, ast.copy_location(DECORATOR, node))
        return self.generic_visit(node)


def _name(decorator: ast.expr) -> str:
    named = decorator.func if isinstance(decorator, ast.Call) else decorator
    return named.attr if isinstance(named, ast.Attribute) else getattr(named, "id", "")


class Loader(SourceFileLoader):
    """Compiles a module with the decorators; bytecode of the ordinary one is neither read nor written."""

    def get_code(self, fullname: str) -> CodeType:
        """The code of a module."""
        tree = Transformer().visit(ast.parse(self.get_data(self.path), self.path))
        return compile(ast.fix_missing_locations(tree), self.path, "exec", dont_inherit=True)


class Finder(MetaPathFinder):
    """Finds the modules of our packages."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where a module is, and that `Loader` loads it."""
        spec = PathFinder.find_spec(fullname, path, target) if fullname.split(".")[0] == "basalt" else None
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = Loader(spec.loader.name, spec.loader.path)
        return spec
