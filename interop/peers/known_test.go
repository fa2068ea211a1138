package peers

// The media of cells that cannot work.
var (
	inFiles    = []medium{ipcFile}
	everywhere = plainMedia
	onWires    = []medium{
		tcpDial, tcpListen, udsDial, udsListen, wsDial, wsListen, wssDial, wssListen, httpDial, httpListen, httpsDial, httpsListen,
		quicDial, quicListen, wtDial, wtListen, stdioChild,
	}
)

var (
	onWebSockets = []medium{wsDial, wsListen, wssDial, wssListen}
	onQUIC       = []medium{quicDial, quicListen, wtListen}
	dialledWT    = []medium{wtDial}
)

// known are the cells that cannot work, and why.
var known = []cannot{
	{
		peer: "pyarrow", toPeer: true, cases: []string{"dictionaries that are replaced"}, media: inFiles,
		who: us, message: "a file holds one dictionary for each column, and this batch has another; use one builder for a file, or write a stream, of which lightstream copy makes a file",
		why: "The file format has one dictionary for a column, to which values can only be added. Nothing is written of such a batch.",
	},
	{
		peer: "polars", toPeer: true, cases: []string{"dictionaries that are replaced"}, media: inFiles,
		who: us, message: "a file holds one dictionary for each column, and this batch has another; use one builder for a file, or write a stream, of which lightstream copy makes a file",
		why: "As above.",
	},
	{
		peer: "polars", toPeer: true, cases: []string{"dictionaries that grow", "empty batches"}, media: inFiles,
		who: "polars", message: "delta dictionary batches not supported",
		why: "In a file a dictionary that grows is sent as deltas, which the format has and polars does not read. Fill the dictionary before the first batch, or use a stream.",
	},
	{
		peer: "polars", toPeer: true, cases: []string{"dictionaries that grow, deltas"}, media: everywhere,
		who: "polars", message: "delta dictionary batches not supported",
		why: "polars reads no deltas. What is sent by default in a stream, the whole dictionary again, it reads.",
	},
	{
		peer: "pyarrow", cases: []string{"dictionaries that grow, replaced", "dictionaries that are replaced"}, media: inFiles,
		who: "pyarrow", message: "Dictionary replacement detected when writing IPC file format.",
		why: "The file format has one dictionary for a column, and pyarrow refuses to write another. With emit_dictionary_deltas or unify_dictionaries it can.",
	},
	{
		peer: "lightstream-io", toPeer: true, media: dialledWT,
		who: us, message: "server didn't enable QUIC stream reset partial delivery",
		why: "The draft of WebTransport wants RESET_STREAM_AT of QUIC, which its listener does not have. Let it dial.",
	},
	{
		peer: "lightstream-io", media: dialledWT,
		who: us, message: "server didn't enable QUIC stream reset partial delivery",
		why: "The draft of WebTransport wants RESET_STREAM_AT of QUIC, which its listener does not have. Let it dial.",
	},
	{
		peer: "lightstream-io", toPeer: true, cases: []string{"all null"}, media: onWires,
		who: "lightstream-io", message: "dictionary batch offset count < 2",
		why: "It takes an empty dictionary for an error. Fill the dictionary before the first batch.",
	},
	{
		peer: "lightstream-io", toPeer: true, cases: []string{"dictionary of 70 KB"}, media: onWires,
		who: "lightstream-io", message: "expected RecordBatch frame for body",
		why: "It reads dictionary messages of less than 64 KiB. Send such a column as text.",
	},
	{
		peer: "lightstream-io", toPeer: true, cases: []string{"dictionaries sent once"}, media: onWebSockets,
		who: "lightstream-io", message: "expected RecordBatch frame for body",
		why: "It takes what one message of a WebSocket holds for the whole dictionary, and what is above 4 KiB is a message of its own. Send such a column as text.",
	},
	{
		peer: "lightstream-io", toPeer: true, media: onQUIC, atTimes: true,
		cases: []string{
			"types that it has", "no nulls", "empty batches", "dictionaries that grow", "dictionaries that grow, deltas", "dictionaries sent once",
			"dictionaries that are replaced", "row by row", "large batches", "Lightstream protocol", "Lightstream protocol, dictionaries that grow",
		},
		who: "lightstream-io", message: "expected RecordBatch frame for body",
		why: "It takes what one packet holds for the whole dictionary, and where packets end is for QUIC to choose: it works or it does not. Send such a column as text.",
	},
	{
		peer: "lightstream-io", cases: []string{"dictionaries that grow", "dictionaries that are replaced", "Lightstream protocol, dictionaries that grow"}, media: onWires,
		who: us, message: "is outside the dictionary of",
		why: "It sends a column's dictionary with the first batch and never again, whatever later batches hold: their values are not on the wire. Let it send text, or give all batches the same dictionary.",
	},
}
