package peers

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/internal/feed/feedtest"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// nestedPeer is nested.py.
type nestedPeer struct {
	in  io.Writer
	out *bufio.Scanner
}

func startNested(t *testing.T) *nestedPeer {
	t.Helper()
	cmd := exec.Command(*python, "nested.py")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			t.Error(err)
		}
	})
	return &nestedPeer{in, bufio.NewScanner(out)}
}

func (p *nestedPeer) ask(request map[string]any) error {
	line, err := json.Marshal(request)
	if err != nil {
		return err
	}
	_, err = p.in.Write(append(line, '\n'))
	return err
}

// answer returns how many rows the peer has read and written.
func (p *nestedPeer) answer() (rows int, err error) {
	if !p.out.Scan() {
		return 0, fmt.Errorf("no answer: %w", errors.Join(p.out.Err(), io.ErrUnexpectedEOF))
	}
	var a struct {
		Rows  int
		Error string
	}
	if err := json.Unmarshal(p.out.Bytes(), &a); err != nil {
		return 0, err
	}
	if a.Error != "" {
		return 0, errors.New(a.Error)
	}
	return a.Rows, nil
}

var (
	_ = feedtest.Union[feed.Event](feed.Ack{}, feed.Reject{}, feed.Remark(""), feed.Mark(0), feed.Expiry{}, feed.Gone{}, nil)
	_ = feedtest.Union[feed.Answer](feed.Reject{}, feed.Maybe{}, feed.List{})
)

// TestNestedTables sends random rows of tables with nested columns, unions and runs, to depth three and more, to pyarrow and to polars, which write
// them again: Go rows, builder, stream, their columns, their stream, reader, Go rows. Over TCP, and as files.
func TestNestedTables(t *testing.T) {
	if *python == "" {
		t.Skip("no peers without -python; run make interop")
	}
	p := startNested(t)
	for _, library := range []string{"pyarrow", "polars"} {
		for _, medium := range []string{"tcp", "file"} {
			t.Run(library+"-"+medium, func(t *testing.T) {
				// Polars knows no list views: that column stays at home, null.
				nestedTables(t, p, feed.NestedTable, library, medium, "viewed", func(r *feed.Nested) { r.Viewed = nil })
				nestedTables(t, p, feed.TreeTable, library, medium, "names", func(r *feed.Tree) { r.Names = nil })
				if library != "polars" { // which knows neither decimals of 256 bits, nor unions and runs
					nestedTables(t, p, feed.DeepTable, library, medium, "", nil)
					nestedTables(t, p, feed.MixedTable, library, medium, "", nil)
				}
			})
		}
	}
}

func nestedTables[R any, B interface {
	Handle() rt.Handle
	Release()
}, W rt.Builder[R]](t *testing.T, p *nestedPeer, table *rt.Table[R, B, W], library, medium, views string, without func(*R)) {
	dir := t.TempDir()
	for round := range 25 {
		rows := make([]R, 1+round)
		for i := range rows {
			rows[i] = rapid.Custom(feedtest.Draw[R]).Example(100*round + i)
			if library == "polars" {
				without(&rows[i])
			}
		}
		size := 7
		if library == "polars" { // which reads neither deltas nor replaced dictionaries below lists
			size = len(rows)
		}
		b := table.NewBuilder(nil)
		send := func(w *ipc.Writer, places []int) error {
			for part := range slices.Chunk(rows, size) {
				b.Reset()
				b.AppendRows(part)
				message, err := table.AppendMessage(nil, b)
				if err != nil {
					return err
				}
				batch, err := ipc.NewReader(bytes.NewReader(message), nil).Next(context.Background())
				if err != nil {
					return err
				}
				var columns []column.Data
				for _, i := range places {
					columns = append(columns, ipc.Columns(batch)[i])
				}
				if err := w.Write(context.Background(), batch.Len(), columns); err != nil {
					return err
				}
			}
			return w.Close()
		}
		schema := &ipc.Schema{}
		var places []int
		for i, f := range table.Schema().Fields {
			if library != "polars" || f.Name != views {
				schema.Fields, places = append(schema.Fields, f), append(places, i)
			}
		}
		var got []R
		var err error
		read := func(list func(func(R, error) bool)) error {
			for row, err := range list {
				if err != nil {
					return err
				}
				got = append(got, row)
			}
			return nil
		}
		if medium == "tcp" {
			err = p.overTCP(library, func(conn net.Conn) error {
				if err := send(ipc.NewWriter(conn, schema, nil), places); err != nil {
					return err
				}
				return read(rt.NewReader(table, conn, nil).Rows(context.Background()))
			})
		} else {
			var file bytes.Buffer
			if size < len(rows) { // a file has one dictionary for each column, and these batches have one each
				size = len(rows)
			}
			in, out := filepath.Join(dir, "in.arrow"), filepath.Join(dir, "out.arrow")
			err = send(&ipc.NewFileWriter(&file, schema, nil).Writer, places)
			if err == nil {
				err = os.WriteFile(in, file.Bytes(), 0o600)
			}
			if err == nil {
				err = p.ask(map[string]any{"library": library, "in": in, "out": out})
			}
			if err == nil {
				_, err = p.answer()
			}
			if err == nil {
				var text []byte
				var f *rt.FileReader[R, B]
				if text, err = os.ReadFile(out); err == nil {
					if f, err = rt.NewFileReader(table, bytes.NewReader(text), int64(len(text)), nil); err == nil {
						err = read(f.Rows(context.Background()))
					}
				}
			}
		}
		if err != nil {
			t.Fatalf("%s, round %d: %v", table.Name(), round, err)
		}
		if len(got) != len(rows) {
			t.Fatalf("%s, round %d: %d rows, want %d", table.Name(), round, len(got), len(rows))
		}
		for i := range rows {
			if d := feedtest.Difference(rows[i], got[i]); d != "" {
				t.Fatalf("%s, round %d, row %d: %s", table.Name(), round, i, d)
			}
		}
	}
}

// overTCP lets the peer dial, and talks with it.
func (p *nestedPeer) overTCP(library string, talk func(conn net.Conn) error) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	at := l.Addr().(*net.TCPAddr)
	if err := p.ask(map[string]any{"library": library, "address": []any{at.IP.String(), at.Port}}); err != nil {
		return err
	}
	_ = l.(*net.TCPListener).SetDeadline(time.Now().Add(time.Minute))
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	err = talk(conn)
	conn.Close()
	if _, answer := p.answer(); answer != nil {
		return answer
	}
	return err
}
