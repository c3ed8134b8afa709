"""The checker behind the jaxtyping flag: beartype, with whole numbers accepted as floats (PEP 484)."""
from beartype import BeartypeConf, beartype

tower = beartype(conf=BeartypeConf(is_pep484_tower=True))
