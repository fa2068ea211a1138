// Command lightstream looks at Arrow data from a shell, copies it between formats, and generates code for it.
//
//	lightstream cat trades.arrows              a table on a terminal, Arrow into a pipe
//	lightstream copy trades.arrows trades.csv
//	lightstream schema --as go trades.arrow    a definition, ready for gen
//	lightstream inspect trades.arrow           every message and buffer
//	lightstream gen ./...                      the code of tables
//
// Run it with --help, alone or behind a verb, for all else. Exit status: 0 fine, 1 the data or a file is bad, 2 wrong use.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	_ "github.com/lightstream-go/lightstream/compress/gzip"
	_ "github.com/lightstream-go/lightstream/compress/lz4"
	_ "github.com/lightstream-go/lightstream/compress/zstd"
	"github.com/lightstream-go/lightstream/transports"
	_ "github.com/lightstream-go/lightstream/transports/all"
)

func main() { os.Exit(program()) }

// program runs the command that the process is, and returns its exit status.
func program() int {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(160 << 20) // near it memory is collected sooner: what a copy needs is far less than what waits to be collected
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)   // a second signal ends the program at once
	signal.Ignore(syscall.SIGPIPE) // writes tell that nobody reads any more
	return run(ctx, os.Args[1:], std{os.Stdin, os.Stdout, os.Stderr})
}

// std are the standard streams.
type std struct {
	in       *os.File
	out, err *os.File
}

const (
	exitFine  = 0
	exitBad   = 1
	exitUsage = 2
)

// usageError is an error of the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errQuiet ends the program with status 1 and no message: what there was to say has been said.
var errQuiet = errors.New("quiet")

// run is the command. It returns the exit status.
func run(ctx context.Context, args []string, std std) int {
	root := newRoot(std)
	root.SetArgs(args)
	done := make(chan error, 1)
	go func() { done <- root.ExecuteContext(ctx) }()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		err = interrupted(ctx, done)
	}
	var usage usageError
	switch {
	case err == nil, leftUnread(err, std.out):
		return exitFine
	case errors.Is(err, errQuiet):
		return exitBad
	case errors.As(err, &usage):
		fmt.Fprintf(std.err, "lightstream: %v\n", strings.TrimPrefix(err.Error(), "lightstream: "))
		return exitUsage
	case errors.Is(err, context.Canceled):
		var hint stopped
		errors.As(err, &hint)
		fmt.Fprintf(std.err, "lightstream: interrupted%s\n", string(hint))
		return exitBad
	}
	fmt.Fprintf(std.err, "lightstream: %v%s\n", flagNames.Replace(strings.TrimPrefix(err.Error(), "lightstream: ")), tokenHint(err)+limitHint(err, args)+fitHint(err, args)+textHint(err, args))
	return exitBad
}

// leftUnread tells whether a command ended since nobody reads its standard output any more, as head does when it has its lines. A connection or
// another pipe that breaks has lost data.
func leftUnread(err error, out *os.File) bool {
	var file *fs.PathError
	if errors.As(err, &file) && file.Path == out.Name() && errors.Is(file, syscall.EPIPE) {
		return true
	}
	var conn *transports.Error // of frames on standard output
	return errors.As(err, &conn) && conn.Transport == "stdio" && conn.Op == "write" && errors.Is(conn, syscall.EPIPE)
}

// grace is how long an interrupted command may take to end by itself. Tests change it.
var grace = 2 * time.Second

// interrupted waits for a command whose context has ended. One that reads from a pipe that nobody writes to cannot be woken: it is left
// where it is, and what it would have removed is removed here.
func interrupted(ctx context.Context, done <-chan error) error {
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		temporary.removeAll()
		return stopped(incomplete.hint())
	}
}

// stopped is the error of a command that was interrupted: what there is to say of it, behind a semicolon.
type stopped string

func (s stopped) Error() string { return context.Canceled.Error() + string(s) }
func (s stopped) Unwrap() error { return context.Canceled }

// incomplete is the copy into a file that is under way.
var incomplete unfinishedCopy

type unfinishedCopy struct {
	to   atomic.Pointer[string] // the file, nil if there is none
	rows atomic.Int64           // that have come
}

// hint says what becomes of the rows of a copy that is interrupted, and how to keep those of a source without an end.
func (u *unfinishedCopy) hint() string {
	to, rows := u.to.Load(), u.rows.Load()
	if to == nil || rows == 0 {
		return ""
	}
	return fmt.Sprintf("; what has come, %s, is given up, and no new %s appears: a file does when it is complete. "+
		"Of a source without an end a directory with --max-age or --max-rows keeps all complete files, and a stream to standard output, "+
		"read with --unfinished, all batches", count(rows, "row"), *to)
}

// temporary are the files that are removed when the program ends.
var temporary files

// files is a set of files. Its methods may be called by several goroutines.
type files struct {
	mu    sync.Mutex
	names map[string]bool
}

func (f *files) add(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.names == nil {
		f.names = make(map[string]bool)
	}
	f.names[name] = true
}

// keep takes a file out of the set, which has another name now.
func (f *files) keep(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.names, name)
}

// remove removes a file.
func (f *files) remove(name string) error {
	f.keep(name)
	return os.Remove(name)
}

func (f *files) removeAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name := range f.names {
		_ = os.Remove(name)
	}
	clear(f.names)
}

// newRoot returns the command with all its verbs.
func newRoot(std std) *cobra.Command {
	root := &cobra.Command{
		Use:           "lightstream",
		Short:         "Look at, copy and define Arrow data",
		Long:          "lightstream looks at Arrow streams and files, copies them between formats, and\ngenerates typed Go for them. - is standard input or output.",
		Version:       moduleVersion(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("unknown verb %q; run lightstream --help for the verbs", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%s%s; run %s --help for the flags", plainNumber.ReplaceAllString(err.Error(), "want a number"), otherVerbs(cmd, err), cmd.CommandPath())
	})
	root.AddCommand(newGen(std), newSchema(std), newCat(std), newCopy(std), newInspect(std), newServe(std))
	root.InitDefaultCompletionCmd()
	completion, _, _ := root.Find([]string{"completion"})
	completion.Args = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usagef("completion: unknown shell %q; there are bash, zsh, fish, powershell", args[0])
		}
		return nil
	}
	completion.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	return root
}

// plainNumber is what errors of flags say of a value that is no number, or none that fits.
var plainNumber = regexp.MustCompile(`strconv\.\w+: parsing ".*": (invalid syntax|value out of range)`)

// count returns a number with what is counted, such as "1 row".
func count[N int | int64](n N, what string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(what, "ch"):
		what += "es"
	default:
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// otherVerbs tells which verbs have a flag that this one lacks.
func otherVerbs(cmd *cobra.Command, err error) string {
	name, unknown := strings.CutPrefix(err.Error(), "unknown flag: --")
	if !unknown {
		return ""
	}
	var verbs []string
	for _, other := range cmd.Root().Commands() {
		if other.Flags().Lookup(name) != nil {
			verbs = append(verbs, other.Name())
		}
	}
	if len(verbs) == 0 {
		return ""
	}
	return ", which is of " + strings.Join(verbs, ", ")
}

// exactly wants n arguments.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			number := fmt.Sprintf("there are %d arguments", len(args))
			if len(args) == 1 {
				number = "there is 1 argument"
			}
			hint := ""
			if slices.ContainsFunc(args, func(a string) bool { return strings.Contains(a, "://") && strings.Contains(a, "?") }) {
				hint = "; a shell ends the command at the & of a URI that is not in quotes"
			}
			return usagef("%s wants %s, %s; run %s --help%s", cmd.Name(), what, number, cmd.CommandPath(), hint)
		}
		return nil
	}
}

// moduleVersion returns the version of the module that this command was built from.
func moduleVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(unknown version)"
}

// isTerminal tells whether a person looks at f.
func isTerminal(f io.Writer) bool {
	file, ok := f.(*os.File)
	return ok && terminal(file)
}
