package stdio_test

import (
	"errors"
	"io"
	"os"
	"testing"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/stdio"
	"github.com/lightstream-go/lightstream/transports/transporttest"
)

func TestWireFaults(t *testing.T) {
	transporttest.RunFaults(t, transporttest.Faulty{
		Pipe: func(pass func(io.WriteCloser, io.ReadCloser)) (sender, receiver transports.Conn, err error) {
			fromSender, out, err := os.Pipe()
			in, toReceiver, err2 := os.Pipe()
			if err := errors.Join(err, err2); err != nil {
				return nil, nil, err
			}
			pass(toReceiver, fromSender)
			return stdio.New(nil, out), stdio.New(in, nil), nil
		},
	})
}
