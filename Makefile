# Each target makes all that it needs; only GNU make and a Python >= 3.11 have to be there.
#     make figures PYTHON=python3.12 CORES=4

PYTHON ?= python3
CORES ?= all
REQUIREMENTS ?= requirements.txt

# Packages of a cluster's modules or a shell's start-up file must not shadow the pinned ones.
unexport PYTHONPATH

.PHONY: help figures report verify test test-fast lint bench reference notes venv

help:
	@echo "make figures   build every figure and table of the demo study, in figures/ and results/"
	@echo "make report    build one page of them all, results/demo/report.html, to open in a browser"
	@echo "make verify    derive the demo again elsewhere, and compare every file with its manifest"
	@echo "make test      run the test suite, about ten minutes"
	@echo "make test-fast run what takes less than two minutes of it, for use while working"
	@echo "make lint      check formatting, and what the linters say"
	@echo "make bench     time the library against a plain baseline (docs/performance.md)"
	@echo "make reference make the tables that lie there the reference of the demo (docs/reproduced.md)"
	@echo "make notes     print what CHANGELOG.md says of VERSION=1.0.0"
	@echo
	@echo "Each but the last first makes .venv from requirements.txt where it is missing or outdated."
	@echo "PYTHON=python3.12 names the Python to make it with, CORES=4 limits the cores of figures and report,"
	@echo "REQUIREMENTS=newest.txt makes .venv from another list of packages."

# As modules (-m), because the scripts in .venv/bin name the folder that .venv was made in.
figures: venv
	.venv/bin/python -m snakemake --cores $(CORES) figures/

report: venv
	.venv/bin/python -m snakemake --cores $(CORES) report

verify: venv
	.venv/bin/python -m snakemake --cores $(CORES) manifest
	.venv/bin/python workflow/verify.py

# Two files of tests at a time: many tests wait for processes of their own.
test: venv
	.venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-fast: venv
	.venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow"

lint: venv
	.venv/bin/python -m ruff check
	.venv/bin/python -m ruff format --check
	.venv/bin/python -m snakefmt --check Snakefile workflow
	.venv/bin/python -m snakemake --lint

bench: venv
	.venv/bin/python benchmarks/run.py

reference: venv
	.venv/bin/python -m snakemake --cores $(CORES) reference
	cd workflow && ../.venv/bin/python -m agop_collapse.sharing.reproduced

# From the heading "## [1.0.0] - 2027-01-31" to the next.
notes:
	@awk -v heading="## [$(VERSION)]" ' \
		/^## / { within = index($$0, heading) == 1; found = found || within; next } \
		within { print } \
		END { if (!found) { print "CHANGELOG.md has no \"" heading "\"" >"/dev/stderr"; exit 1 } } \
	' CHANGELOG.md

# The copy of the list in .venv, as requirements.txt, is written last and removed first: without it the
# environment is half-made, where it differs from the original it is outdated.
venv:
	@if cmp -s "$(REQUIREMENTS)" .venv/requirements.txt && .venv/bin/python -c "" 2>/dev/null; then \
		exit 0; \
	fi; \
	command -v "$(PYTHON)" >/dev/null || { \
		echo 'agop-collapse needs Python 3.11 or newer and there is no command "$(PYTHON)":' \
			'install one, or name yours as in "make figures PYTHON=python3.12".' >&2; \
		exit 1; \
	}; \
	"$(PYTHON)" -c "$$CHECK" || exit 1; \
	echo "Setting up .venv: a few minutes, and on Linux about 6 GB of disk (PyTorch brings CUDA)."; \
	rm -f .venv/requirements.txt; \
	"$(PYTHON)" -m venv --clear .venv && \
	.venv/bin/python -m pip install -qq --disable-pip-version-check -r "$(REQUIREMENTS)" && \
	cp "$(REQUIREMENTS)" .venv/requirements.txt || { \
		rm -rf .venv; \
		echo "The set-up of .venv failed, for the reason given above; nothing of it was left." >&2; \
		exit 1; \
	}

# Written so that a Python of any age can read it.
define CHECK
import os, sys
version = "%d.%d" % tuple(sys.version_info[:2])
if sys.version_info[:2] < (3, 11):
    sys.exit(
        'agop-collapse needs Python 3.11 or newer and "$(PYTHON)" is Python %s: '
        'install a newer one, or name yours as in "make figures PYTHON=python3.12".' % version
    )
try:
    import ensurepip, venv
except ImportError:
    sys.exit(
        'agop-collapse needs the venv module that "$(PYTHON)" (Python %s) comes without: install it '
        '(on Debian and Ubuntu: apt install python%s-venv).' % (version, version)
    )
if " " in os.getcwd():
    sys.exit(
        'agop-collapse cannot be in "%s": Snakemake does not run a Python whose path has a space; '
        'move this folder elsewhere.' % os.getcwd()
    )
endef
export CHECK
