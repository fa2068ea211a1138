// Command _gen writes the kernels of package asm for amd64: kernels_amd64.s and their Go declarations, kernels_amd64.go.
//
//	go run -C internal/asm/_gen . -o ..
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "asm:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("asm", flag.ContinueOnError)
	dir := flags.String("o", "..", "directory to write to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx := build.NewContext()
	ctx.ConstraintExpr("amd64,!purego")
	for _, kernels := range []func(*context){processor, bitmaps, bools, offsets, indices, nulls, scales, swaps, text, places, gather, join} {
		kernels(&context{ctx})
	}
	file, err := ctx.Result()
	if err != nil {
		return err
	}
	if err := pass.Compile.Execute(file); err != nil {
		return err
	}
	config := printer.Config{Name: "lightstream from internal/asm/_gen", Pkg: "asm"}
	for name, p := range map[string]printer.Printer{
		"kernels_amd64.s":  printer.NewGoAsm(config),
		"kernels_amd64.go": printer.NewStubs(config),
	} {
		out, err := p.Print(file)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(*dir, name), out, 0o666); err != nil {
			return err
		}
	}
	return nil
}
