"""States: frozen dataclasses whose fields are declared by kind, read from a URL, a file or plain values."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from typing import Any, ClassVar, NamedTuple, TypeVar

from .kinds import Kind, Refused

S = TypeVar("S", bound="State")


@dataclass(frozen=True)
class Nested(Kind):
    """A state inside a state; a URL and the command line see its fields beside the others, but for those `without`."""

    state: type[State]
    without: tuple[str, ...] = ()
    widget: ClassVar[str] = "nested"

    def check(self, value: Any) -> Any:
        if not isinstance(value, self.state):
            raise Refused(f"takes a state of the kind {self.state.__name__}")
        return value

    def from_json(self, value: Any) -> Any:
        return self.state.from_fields(value) if isinstance(value, Mapping) else value

    def to_json(self, value: Any) -> Any:
        return value.to_fields()


# ------------------------------------------------------------------------------------------------ declarations


@dataclass(frozen=True)
class Setting:
    """A field as it is declared: its kind, what a page calls it, what a help text says, other names of its option."""

    kind: Kind
    label: str = ""
    help: str = ""
    flags: tuple[str, ...] = ()


def setting(kind: Kind, default: Any = MISSING, label: str = "", help: str = "", *flags: str,
            factory: Any = MISSING) -> Any:
    """Declare a field of a `State`. `factory` makes a default that cannot be written down, or is not known yet."""
    declared = {"setting": Setting(kind, label, help, flags)}
    if factory is not MISSING:
        return field(default_factory=factory, metadata=declared)
    return field(default=default, metadata=declared)


class Flat(NamedTuple):
    """One field as a URL and the command line see it: `inside` names the field that holds it, where it is nested."""

    name: str
    setting: Setting
    inside: str | None = None


@dataclass(frozen=True)
class State:
    """A frozen dataclass whose fields are declared by `setting`. ValueError, in one sentence, for a wrong value.

    renamed    names that parameters of a URL had once, and what they are called now;  dependent  fields that are
    dropped where they do not fit the others in a URL;  optional  fields that files of earlier versions do not have.
    """

    renamed: ClassVar[Mapping[str, str]] = {}
    dependent: ClassVar[tuple[str, ...]] = ()
    optional: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for name, one in self.settings().items():
            value = getattr(self, name)
            try:
                object.__setattr__(self, name, one.kind.check(value))
            except Refused as error:
                raise ValueError(error.of(name, value)) from None
        self.check_together()

    def check_together(self) -> None:
        """Raise ValueError where fields that are right alone do not go together."""

    @classmethod
    def settings(cls) -> dict[str, Setting]:
        """Every field's declaration, by name."""
        return {one.name: one.metadata["setting"] for one in _fields(cls)}

    @classmethod
    def limits(cls, name: str) -> dict[str, Any]:
        """The kind of a field as data (see `Kind.limits`): low, high, words."""
        return cls.flat_settings()[name].setting.kind.limits()

    @classmethod
    def flat_settings(cls) -> dict[str, Flat]:
        """Every field as a URL and the command line see it: those of a nested state stand beside the others."""
        found: dict[str, Flat] = {}
        for name, one in cls.settings().items():
            if isinstance(one.kind, Nested):
                inner = one.kind.state.settings().items()
                found |= {n: Flat(n, s, name) for n, s in inner if n not in one.kind.without}
            else:
                found[name] = Flat(name, one)
        return found

    def flat_value(self, name: str) -> Any:
        """The value of a field, or of a field of a nested state."""
        inside = self.flat_settings()[name].inside
        return getattr(getattr(self, inside) if inside else self, name)

    def with_values(self: S, **values: Any) -> S:
        """The same state with other values, those of nested states beside the others.

        ValueError, in one sentence, where a value is wrong or does not fit the others.
        """
        flat, changes = self.flat_settings(), dict[str, Any]()
        for name, value in values.items():
            inside = flat[name].inside if name in flat else None
            if inside:
                changes[inside] = replace(changes.get(inside, getattr(self, inside)), **{name: value})
            else:
                changes[name] = value
        return replace(self, **changes)

    # ---------------------------------------------------------------- a URL

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, str], base: Any,
                        where: str = "this page") -> tuple[Any, list[str]]:
        """The state that a URL asks for, and one sentence on every parameter that could not be used.

        base: the state of a URL without parameters.
        """
        values, problems = {}, []
        for name, text in parameters.items():
            try:
                values[name] = cls._parameter(name, where).read(text)
            except Refused as error:
                problems.append(error.of_parameter(name[:40], text))
        return _together(base, values, problems)

    @classmethod
    def _parameter(cls, name: str, where: str) -> Kind:
        flat = cls.flat_settings()
        if name in cls.renamed:
            raise Refused(f"this parameter is called {cls.renamed[name]} now")
        if name not in flat:
            raise Refused(f"{where} knows {', '.join(flat)}")
        return flat[name].setting.kind

    def to_parameters(self, base: State) -> dict[str, str]:
        """The parameters of a URL for this state: everything that differs from `base`."""
        flat = self.flat_settings()
        values = {name: self.flat_value(name) for name in flat}
        return {name: flat[name].setting.kind.write(value) for name, value in values.items()
                if value != base.flat_value(name) and value is not None}

    # ---------------------------------------------------------------- a file

    def to_fields(self) -> dict[str, Any]:
        """The state as a dictionary that JSON can hold."""
        return {name: one.kind.to_json(getattr(self, name)) for name, one in self.settings().items()}

    @classmethod
    def from_fields(cls, found: Any) -> Any:
        """The state of a dictionary that `to_fields` made; ValueError, in one sentence, for any other value."""
        declared, what = cls.settings(), cls.__name__
        if not isinstance(found, Mapping):
            raise ValueError(f"a {what} is a dictionary with {', '.join(declared)}; got {found!r:.80}")
        if unknown := [name for name in found if name not in declared]:
            raise ValueError(f"a {what} has no {unknown[0]!r:.80}")
        if missing := sorted(declared.keys() - found.keys() - {*cls.optional}):
            raise ValueError(f"a {what} needs {', '.join(missing)}")
        return cls(**{name: _checked(name, declared[name].kind, value) for name, value in found.items()})


def _checked(name: str, kind: Kind, value: Any) -> Any:
    """A value out of JSON in its one form; ValueError, in one sentence, where it is wrong."""
    try:
        return kind.check(kind.from_json(value))
    except Refused as error:
        raise ValueError(error.of(name, value)) from None


def _fields(cls: type[State]) -> Iterator[Field[Any]]:
    return (one for one in fields(cls) if "setting" in one.metadata)


def _together(base: Any, values: dict[str, Any], problems: list[str]) -> tuple[Any, list[str]]:
    """The state with as many of these values as fit together: those that depend on others are dropped first."""
    free = [name for name in values if name not in base.dependent]
    one_less = ([name for name in values if name != one] for one in base.dependent)
    for names in (values, *one_less, free, *([name for name in free if name != one] for one in free), ()):
        try:
            return base.with_values(**{name: values[name] for name in names}), problems
        except ValueError as error:
            problems = [*dict.fromkeys([*problems, f"{error}."])]
    raise AssertionError("a base state fits itself")
