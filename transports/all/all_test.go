package all

import (
	"slices"
	"testing"

	"github.com/lightstream-go/lightstream/transports"
)

func TestSchemes(t *testing.T) {
	want := []string{"stdio", "tcp", "tls", "uds", "ws", "wss"}
	if got := transports.Schemes(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
