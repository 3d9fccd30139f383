# shellcheck shell=bash
# Sourced by tests/deploy/run and .ci/run: installs the tools that they need, in pinned versions.
#
# Each tool has a virtual environment of its own, because their pins contradict each other
# (MiniStack wants one exact botocore, the SAM CLI another). They live outside the repository and
# are kept between runs; one is made anew when its pins change or when its install broke off.

TOOLS=${OPSKNIGHT_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/opsknight-tools}

export SAM_CLI_TELEMETRY=0 PIP_DISABLE_PIP_VERSION_CHECK=1

# install_tool NAME - makes $TOOLS/NAME
install_tool() {
  local venv="$TOOLS/$1" pins
  case $1 in
    sam) pins="aws-sam-cli==1.170.0 cfn-lint==1.58.0" ;;
    # cargo-lambda links with zig, so that the binaries run on Amazon Linux whatever builds them.
    # Not with zig 0.16: its `ar` breaks the C parts of ring.
    build) pins="cargo-lambda==1.9.2 ziglang==0.17.1" ;;
    # Without the translator MiniStack ignores `Transform` and creates nothing.
    ministack) pins="ministack==1.5.33 aws-sam-translator==1.115.0" ;;
  esac
  mkdir -p "$TOOLS"
  # A second run at the same time waits at the lock, and then finds the work done.
  # shellcheck disable=SC2086 # pins is a list
  (
    flock 9
    [ "$(cat "$venv/.pins" 2>/dev/null)" = "$pins" ] || {
      echo "installing $pins"
      rm -rf "$venv" &&
        python3 -m venv "$venv" &&
        "$venv/bin/pip" install --quiet $pins &&
        echo "$pins" >"$venv/.pins"
    }
  ) 9>"$TOOLS/.$1.lock"
}

# sam ARGUMENTS... - the SAM CLI; its builds find cargo-lambda and zig
sam() {
  PATH="$TOOLS/build/bin:$PATH" "$TOOLS/sam/bin/sam" "$@"
}
