"""Fields that are declared once, for every place where a person can set them.

A field of a `State` has a kind (what a value may be), a label and a help text. The URL, the command line, a saved
file, the notebook widget, JavaScript and the pages of the explorer all read this one declaration, so that no limit
and no name has a second home.

    class Look(State):
        mode: str = setting(Word("light", "heat"), "light", "Drawn as", "Light: the picture is lit.")

Nothing of torch is imported here: `linviz --help` reads these declarations and has to answer at once.
"""
from .kinds import Kind, Number, Refused, Switch, Text, Whole, Word, Words
from .states import Flat, Nested, Setting, State, setting

__all__ = ["Flat", "Kind", "Nested", "Number", "Refused", "Setting", "State", "Switch", "Text", "Whole", "Word",
           "Words", "setting"]
