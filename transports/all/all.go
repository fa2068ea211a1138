// Package all registers every transport of this module, for programs that take any URI. It exports nothing:
//
//	import _ "github.com/lightstream-go/lightstream/transports/all"
//
// A program that knows which transports it needs imports those instead, and links no more than they need.
package all

import (
	_ "github.com/lightstream-go/lightstream/transports/http"    // http://, https://
	_ "github.com/lightstream-go/lightstream/transports/http/h3" // h3://
	_ "github.com/lightstream-go/lightstream/transports/quic"    // quic://
	_ "github.com/lightstream-go/lightstream/transports/stdio"   // stdio:
	_ "github.com/lightstream-go/lightstream/transports/tcp"     // tcp://
	_ "github.com/lightstream-go/lightstream/transports/tls"     // tls://
	_ "github.com/lightstream-go/lightstream/transports/uds"     // uds://
	_ "github.com/lightstream-go/lightstream/transports/ws"      // ws://, wss://
	_ "github.com/lightstream-go/lightstream/transports/wt"      // wt://
)
