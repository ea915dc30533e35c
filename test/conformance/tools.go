//go:build tools

// Package conformance pins the tools that test Estiba from outside; nothing here is linked into it.
package conformance

import _ "sigs.k8s.io/cri-tools/cmd/crictl"
