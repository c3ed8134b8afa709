"""What the wheel holds beside the package: the explorer and the notebooks, which lie beside linviz in a clone.

They go into linviz/_apps, where `linviz.app_folders` finds them. Everything else stands in pyproject.toml.
"""
from setuptools import find_packages, setup

APPS = {f"linviz._apps.{name}": name.replace(".", "/")
        for name in ["explorer", *(f"explorer.{room}" for room in find_packages("explorer")), "notebooks"]}

setup(packages=find_packages(include=["linviz", "linviz.*"]) + list(APPS), package_dir=APPS)
