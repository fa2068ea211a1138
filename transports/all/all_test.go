package all

import (
	"slices"
	"testing"

	"github.com/lightstream-go/lightstream/transports"
)

func TestSchemes(t *testing.T) {
	want := []string{"h3", "http", "https", "quic", "stdio", "tcp", "tls", "uds", "ws", "wss", "wt"}
	if got := transports.Schemes(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
