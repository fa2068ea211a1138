package uds_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/transporttest"
	"github.com/lightstream-go/lightstream/transports/uds"
)

func TestWireFaults(t *testing.T) {
	dir, err := os.MkdirTemp("", "ls") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	var n atomic.Int64
	transporttest.RunFaults(t, transporttest.Faulty{
		Network: "unix", DiallerSends: true,
		Listen: func(ctx context.Context) (transports.Listener, error) {
			return uds.Listen(ctx, filepath.Join(dir, strconv.FormatInt(n.Add(1), 10)), nil)
		},
		Dial: func(ctx context.Context, _ transports.Listener, addr string, _ transporttest.Role) (transports.Conn, error) {
			return uds.Dial(ctx, addr, nil)
		},
	})
}
