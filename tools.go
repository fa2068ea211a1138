//go:build ignore

// Package tools names the tools of this repository. Their versions stand in tools.mod, which go.mod does not refer to, so that
// users of the module do not get them. Run one as
//
//	go tool -modfile=tools.mod staticcheck ./...
package tools

import (
	_ "golang.org/x/perf/cmd/benchstat"
	_ "honnef.co/go/tools/cmd/staticcheck"
	_ "mvdan.cc/gofumpt"
)
