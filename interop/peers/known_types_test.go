package peers

// knownTypes are the types that a peer does not read, or write, and why. The first that fits counts.
var knownTypes = []cannotType{
	{
		peer: "pyarrow", types: "interval[year_month]|interval[day_time]", message: "KeyError: 2",
		why: "Arrow's C++ library reads them; its Python has no class for their type.",
	},
	{
		peer: "polars", types: "decimal256*", message: "Int256",
		why: "It has decimals of 128 bits.",
	},
	{
		peer: "polars", types: "timestamp[ns, +05:30]", message: "unable to parse time zone",
		why: "It takes names of zones, no offsets. Use a name, or UTC.",
	},
	{
		peer: "polars", types: "interval[year_month]", message: "Interval(YearMonth)",
		why: "It has no such type.",
	},
	{
		peer: "polars", types: "interval[day_time]", only: "stream", message: "DaysMs",
		why: "It has no such type.",
	},
	{
		peer: "polars", types: "interval[day_time]", only: "file", message: "Interval(DayTime)",
		why: "It has no such type.",
	},
	{
		peer: "polars", types: "interval[month_day_nano]", message: "month_day_nano_interval",
		why: "It has no such type.",
	},
	{
		peer: "polars", types: "list_view*|large_list_view*|run_end_encoded*", message: "not yet implemented",
		why: "Its reader does not know the layout.",
	},
	{
		peer: "polars", types: "sparse_union*|dense_union*", message: "Union(UnionType",
		why: "It has no such type.",
	},
	{
		peer: "duckdb", types: "float16", message: "Unsupported Internal Arrow Type e",
		why: "It has no such type.",
	},
	{
		peer: "duckdb", types: "decimal256*", message: "Unsupported Internal Arrow Type for Decimal",
		why: "It has decimals of 128 bits.",
	},
	{
		peer: "duckdb", types: "duration[ns]", message: "column 0, row 1: 0, want 1",
		why: "Its intervals have microseconds, to which it rounds without an error. Send microseconds.",
	},
	{
		peer: "duckdb", types: "interval[day_time]", message: "Could not convert Interval to Microsecond",
		why: "It takes such intervals for a duration that does not fit.",
	},
	{
		peer: "duckdb", types: "dense_union*", message: `"d" Union`,
		why: "It reads sparse unions only.",
	},
	{
		peer: "duckdb", types: "dictionary<int16, struct*", message: "Vector::SetSize out of range",
		why: "An internal error; it reads dictionaries of other types, lists among them.",
	},
	{
		peer: "nanoarrow", types: "*", only: "file", message: "Expected >= 1330795081 bytes",
		why: "It reads streams: it takes the magic of a file for a length.",
	},
	{
		peer: "nanoarrow", types: "utf8_view|dictionary<int32, utf8_view>", message: "Utf8View not yet supported",
		why: "Its reader does not know the layout.",
	},
	{
		peer: "nanoarrow", types: "binary_view", message: "BinaryView not yet supported",
		why: "Its reader does not know the layout.",
	},
	{
		peer: "nanoarrow", types: "list_view*|large_list_view*", message: "ListView/LargeListView not yet supported",
		why: "Its reader does not know the layout.",
	},
	{
		peer: "nanoarrow", types: "run_end_encoded*", message: "RunEndEncoded not yet supported",
		why: "Its reader does not know the layout.",
	},
	{
		peer: "apache-arrow", types: "list_view*|large_list_view*|run_end_encoded*", message: "Unrecognized type",
		why: "It has no such type.",
	},
	{
		peer: "lightstream-io", message: "unsupported fb type",
		types: "null|interval*|utf8_view|binary|large_binary|binary_view|fixed_size_binary*|list*|large_list*|fixed_size_list*|struct*|map*|sparse_union*|dense_union*|run_end_encoded*|arrow.uuid*",
		why:   "It has no such type.",
	},
	{
		peer: "lightstream-io", types: "float16", message: "unsupported float prec",
		why: "It has no such type.",
	},
	{
		peer: "lightstream-io", types: "decimal256*", message: "unsupported Decimal bit width 256",
		why: "It has decimals of up to 128 bits.",
	},
	{
		peer: "lightstream-io", types: "duration[s]|duration[ms]", message: "has died",
		why: "Its process ends while it reads them. Send microseconds or nanoseconds.",
	},
	{
		peer: "lightstream-io", types: "dictionary<int32, large_utf8>|dictionary<int32, utf8_view>|dictionary<int32, binary>|dictionary<int32, int64>|dictionary<int32, float64>|dictionary<int32, timestamp*|dictionary<int32, decimal*|dictionary<int32, fixed_size_binary*|dictionary<int16, bool>|dictionary<int16, list*|dictionary<int16, struct*", message: "unsupported dictionary value type",
		why: "The values of its dictionaries are utf8.",
	},
	{
		peer: "lightstream-io", back: true, types: "null|struct*", message: "Null array types are not yet supported",
		why: "It has no such type.",
	},
	{
		peer: "lightstream-io", back: true, message: "unsupported Arrow format",
		types: "float16|binary|large_binary|binary_view|fixed_size_binary*|list*|large_list*|fixed_size_list*|map*|sparse_union*|dense_union*|run_end_encoded*|arrow.uuid*",
		why:   "It has no such type.",
	},
	{
		peer: "lightstream-io", back: true, types: "decimal256*", message: "unsupported decimal bitwidth 256",
		why: "It has decimals of up to 128 bits.",
	},
	{
		peer: "lightstream-io", back: true, types: "duration[s]|duration[ms]", message: "unsupported type in schema",
		why: "It writes durations in microseconds and nanoseconds.",
	},
	{
		peer: "lightstream-io", back: true, types: "interval*", message: "Interval types are not yet supported",
		why: "It has no such type.",
	},
	{
		peer: "lightstream-io", back: true, types: "dictionary<int32, binary>|dictionary<int32, fixed_size_binary*|dictionary<int16, list*|dictionary<int16, struct*", message: "unsupported format [",
		why: "The values of its dictionaries are utf8.",
	},
	{
		peer: "lightstream-io", back: true, types: "dictionary<int16, bool>|dictionary<int32, int64>|dictionary<int32, float64>|dictionary<int32, timestamp*|dictionary<int32, decimal*", message: "Expected String32 dictionary",
		why: "The values of its dictionaries are utf8.",
	},
}
