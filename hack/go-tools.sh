# Sourced by hack/crictl and hack/critest after hack/env.sh: builds tools from the Go modules that
# test/conformance/go.mod pins, as the user who owns the build.
# shellcheck shell=bash
# shellcheck disable=SC2034 # directory is for whoever sources this

readonly go_minimum=1.26.2 status_no_tool=3

no_go() {
  printf '%s needs Go >= %s: %s\n' "${0##*/}" "$go_minimum" "$1" >&2
  exit "$status_no_tool"
}

# need_go: sets go_version, or ends with status 3 and the reason.
need_go() {
  find_tool go >/dev/null || no_go "go is not installed for user $BUILD_USER"
  # Local: another toolchain is never downloaded behind the user's back.
  go_version=$(as_builder env GOTOOLCHAIN=local go env GOVERSION)
  local have=${go_version#go}
  [ "$(printf '%s\n%s\n' "$go_minimum" "$have" | sort -V | head -n1)" = "$go_minimum" ] ||
    no_go "this is Go $have"
}

# tool_directory FILE...: sets `directory` to where what is built from go.mod, go.sum and these files
# is kept.
tool_directory() {
  local cache=$BUILD_HOME/.cache digest
  [ "$BUILD_USER" != "$(id -un)" ] || cache=${XDG_CACHE_HOME:-$cache}
  digest=$( (echo "$go_version" && cat test/conformance/go.mod test/conformance/go.sum "$@") |
    sha256sum | cut -c1-16)
  directory=$cache/estiba/tools/$digest
}

# The version of cri-tools that go.mod pins.
cri_tools_version() {
  awk '$2 == "sigs.k8s.io/cri-tools" {print $3}; $1 == "sigs.k8s.io/cri-tools" {print $2}' \
    test/conformance/go.mod
}

# go_tool NAME ARG...: runs `go ARG... -o FILE` where FILE becomes NAME in `directory`. The first ARG is
# the go command; GOFLAGS is emptied, because -mod=mod would write to go.sum.
go_tool() {
  local name=$1 command=$2
  shift 2
  [ ! -x "$directory/$name" ] || return 0
  as_builder mkdir -p "$directory"
  # -C has to be the first flag. -c after it makes `go test` compile only.
  local compile=()
  [ "$command" != test ] || compile=(-c)
  as_builder env GOTOOLCHAIN=local GOFLAGS= GOWORK=off CGO_ENABLED=0 \
    go "$command" -C test/conformance "${compile[@]}" -mod=readonly -trimpath -buildvcs=false \
    -ldflags "-s -w -X sigs.k8s.io/cri-tools/pkg/version.Version=$(cri_tools_version)" \
    -o "$directory/.$name.$$" "$@" >&2
  as_builder mv "$directory/.$name.$$" "$directory/$name"
}
