package main

import (
	"context"
	"fmt"
	"os"

	"github.com/lightstream-go/lightstream/codegen/evolve"
)

// judge prints what a change of a table, or of all tables of a lock, means, and ends with status 1 if it breaks readers whatever is
// deployed first.
func judge(ctx context.Context, old, new string, o *options, std std) error {
	before, err := readLock(old)
	if err != nil {
		return err
	}
	after, err := readLock(new)
	if err != nil {
		return err
	}
	out := &failing{w: std.out}
	verdict, changes := evolve.Safe, 0
	switch {
	case before != nil && after != nil:
		for _, c := range evolve.CompareLocks(before, after) {
			fmt.Fprintln(out, c.String())
			verdict, changes = verdict.And(c.Verdict), changes+1
		}
	case before == nil && after == nil:
		from, err := readSchema(ctx, old, o, std)
		if err != nil {
			return err
		}
		to, err := readSchema(ctx, new, o, std)
		if err != nil {
			return err
		}
		for _, c := range evolve.Compare(evolve.Columns(from), evolve.Columns(to)) {
			fmt.Fprintln(out, c.String())
			verdict, changes = verdict.And(c.Verdict), changes+1
		}
	default:
		return usagef("--breaking wants two locks or two tables, and %s is a lock and %s is not", pick(before != nil, old, new), pick(before != nil, new, old))
	}
	if changes == 0 {
		fmt.Fprintln(out, "no change")
		return out.err
	}
	fmt.Fprintf(out, "%v\n", verdict)
	if out.err == nil && verdict == evolve.Breaking {
		return errQuiet
	}
	return out.err
}

func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// readLock returns the lock that a file is, nil if it is none.
func readLock(name string) (*evolve.Lock, error) {
	if name == "-" {
		return nil, nil
	}
	const most = 64 << 20
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > most || info.IsDir() {
		return nil, nil
	}
	text, err := os.ReadFile(name)
	if err != nil || !evolve.IsLock(text) {
		return nil, err
	}
	l, err := evolve.ParseLock(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return l, nil
}
