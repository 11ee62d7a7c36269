"""Types and array shapes of our packages, checked at every call while the tests run: `BASALT_CHECK_SHAPES=1`."""

import ast
import os
from collections.abc import Iterator
from contextlib import contextmanager

from beartype import BeartypeConf, beartype

ASKED = bool(os.environ.get("BASALT_CHECK_SHAPES"))
PACKAGES = ("basalt", "train", "convert", "lava_procs", "deploy")
COMPILERS = {"njit", "intrinsic", "jit", "_jit"}
"""Decorators of numba and Triton that read a function's source, which has to be the bare one."""

checker = beartype(conf=BeartypeConf(is_pep484_tower=True))
"""As type checkers read annotations: an int will do for a float."""


def check() -> None:
    """Have every function and record of our packages checked that is imported from now on.

    Left out are functions that a compiler takes, and those inside another, which would be wrapped anew at every call.
    """
    from jaxtyping import _import_hook as hook  # loads numpy

    class Transformer(hook.JaxtypingTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:  # noqa: N802
            if not {_name(decorator) for decorator in node.decorator_list} & COMPILERS:
                node.decorator_list.append(ast.copy_location(self._typechecker.get_ast(), node))
            return node

    hook.JaxtypingTransformer = Transformer
    hook.install_import_hook(PACKAGES, f"{__name__}.checker")


@contextmanager
def unchecked() -> Iterator[None]:
    """Nothing is checked inside, so that what is wrong can be made to see that it is refused."""
    from jaxtyping import config

    config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        config.update("jaxtyping_disable", False)


def _name(decorator: ast.expr) -> str:
    named = decorator.func if isinstance(decorator, ast.Call) else decorator
    return named.attr if isinstance(named, ast.Attribute) else getattr(named, "id", "")
