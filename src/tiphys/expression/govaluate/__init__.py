"""The language of `when`: its words, which word may follow which, and its operators. Pure."""

from tiphys.expression.govaluate.grammar import Kind, Token
from tiphys.expression.govaluate.lexer import read
from tiphys.expression.govaluate.operators import BINARY, PREFIX

__all__ = ["BINARY", "PREFIX", "Kind", "Token", "read"]
