package pipe_test

import (
	"io"
	"testing"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/pipe"
	"github.com/lightstream-go/lightstream/transports/transporttest"
)

func TestWireFaults(t *testing.T) {
	transporttest.RunFaults(t, transporttest.Faulty{
		Pipe: func(pass func(io.WriteCloser, io.ReadCloser)) (sender, receiver transports.Conn, err error) {
			sender, from := pipe.New(nil)
			to, receiver := pipe.New(nil)
			pass(to, from)
			return sender, receiver, nil
		},
	})
}
