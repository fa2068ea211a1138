package load

import (
	"reflect"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestJSONMetadata reads metadata that is no UTF-8, which is base64.
func TestJSONMetadata(t *testing.T) {
	s, err := parseJSON("t.json", []byte(`{"fields": [{"name": "x", "type": "int32", "nullable": true, "metadata": [{"key": "k", "valueBase64": "AP/+"}]}],
		"metadata": [{"keyBase64": "/w==", "value": "text"}, {"key": "empty", "value": ""}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if want := []ipc.KeyValue{{Key: "\xff", Value: "text"}, {Key: "empty"}}; !reflect.DeepEqual(s.Metadata, want) {
		t.Errorf("%q, want %q", s.Metadata, want)
	}
	if want := []ipc.KeyValue{{Key: "k", Value: "\x00\xff\xfe"}}; !reflect.DeepEqual(s.Fields[0].Metadata, want) {
		t.Errorf("%q, want %q", s.Fields[0].Metadata, want)
	}
}
