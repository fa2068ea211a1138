package peers

// The media of cells that cannot work.
var (
	inFiles    = []medium{ipcFile}
	everywhere = []medium{streamFile, ipcFile, tcpDial, tcpListen}
)

// known are the cells that cannot work, and why.
var known = []cannot{
	{
		peer: "pyarrow", toPeer: true, cases: []string{"dictionaries that are replaced"}, media: inFiles,
		who: us, message: "a file holds one dictionary for each column, and this batch has another; use one builder for a file, or a stream",
		why: "The file format has one dictionary for a column, to which values can only be added. Nothing is written of such a batch.",
	},
	{
		peer: "polars", toPeer: true, cases: []string{"dictionaries that are replaced"}, media: inFiles,
		who: us, message: "a file holds one dictionary for each column, and this batch has another; use one builder for a file, or a stream",
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
}
