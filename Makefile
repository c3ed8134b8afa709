# Other names for `python3 start.py ...`; ARGS go on: make test ARGS="tests/mechanisms -k softmax"
.PHONY: explore lab book test study bench doctor lint
explore lab book test study bench doctor:
	python3 start.py $@ $(ARGS)
lint:
	.venv/bin/python -m ruff check .
	.venv/bin/python -m mypy
	.venv/bin/oxlint --deny-warnings
