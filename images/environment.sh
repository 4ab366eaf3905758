#!/bin/sh
# Makes a job's or a service's Python environment in a build stage, which leaves no tools behind.
#   environment.sh make LOCK FOLDER     exactly the locked packages, in FOLDER/environment
#   environment.sh add SOURCE FOLDER    our own package, in FOLDER/package: a small layer over a large one that stays
# Bytecode is compiled, because imports without it cost two to three times as much; its hashes stay valid whatever a
# copy between stages does to times, and are never checked at run time.
set -eu
export UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never UV_SYSTEM_CERTS=1 UV_LINK_MODE=copy
python=$3/environment/bin/python

compile() {
  "$python" -m compileall -qq -j 0 --invalidation-mode unchecked-hash "$1" || echo "not all of $1 is Python" >&2
}

make_environment() { # LOCK FOLDER
  if ! python3 -c 'import ensurepip' 2> /dev/null; then
    apt-get update -q
    apt-get install -y -q --no-install-recommends python3-venv
  fi
  python3 -m venv /tmp/uv
  /tmp/uv/bin/pip install --quiet --no-cache-dir --require-hashes --requirement "$(dirname "$1")/uv.lock"
  /tmp/uv/bin/uv venv --quiet --python "$(command -v python3)" "$2/environment"
  /tmp/uv/bin/uv pip install --quiet --python "$python" --no-deps --require-hashes --requirement "$1"
  # Tests and headers of other packages: a tenth of the environment that nothing imports.
  cd "$2"/environment/lib/python*/site-packages
  for package in matplotlib numpy nvidia pandas scipy tensorflow; do
    [ ! -d "$package" ] || find "$package" -depth -type d \( -name tests -o -name include \) -exec rm -rf {} +
  done
  echo "$2/package" > fleetcast-package.pth
  compile .
}

add_package() { # SOURCE FOLDER
  # The lock names what it needs, and uv builds it by itself, so nothing is fetched.
  /tmp/uv/bin/uv pip install --quiet --python "$python" --no-deps --no-index --target "$2/package" "$1"
  compile "$2/package"
  # Airflow's image and the trainer's must hold the same code: a run key covers it.
  digest=$("$python" -c 'from fleetcast.job_args.run_key import code_digest; print(code_digest())')
  if [ -n "${CODE_DIGEST:-}" ] && [ "$digest" != "$CODE_DIGEST" ]; then
    echo "the image holds the code $digest, and $CODE_DIGEST was to be built" >&2
    exit 1
  fi
}

case $1 in
  make) make_environment "$2" "$3" ;;
  add) add_package "$2" "$3" ;;
esac
