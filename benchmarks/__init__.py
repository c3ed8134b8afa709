"""Benchmarks: speed and memory of linviz beside other libraries; `python3 start.py bench --list` lists them."""
