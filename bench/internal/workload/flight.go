package workload

import (
	"context"
	"os"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lightstream-go/lightstream/bench/tables"
)

// Flights reads the flights of an Arrow stream. The strings of each row are allocated on their own, as a parser leaves them.
func Flights(path string) ([]tables.Flight, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var rows []tables.Flight
	for row, err := range tables.NewFlightReader(f, nil).Rows(context.Background()) {
		if err != nil {
			return nil, err
		}
		row.Origin, row.Destination = strings.Clone(row.Origin), strings.Clone(row.Destination)
		rows = append(rows, row)
	}
	return rows, nil
}

// TextFlights returns the flights with strings of their own, for the table whose airports are plain text.
func TextFlights(flights []tables.Flight) []tables.TextFlight {
	rows := make([]tables.TextFlight, len(flights))
	for i, f := range flights {
		rows[i] = tables.TextFlight{Date: f.Date, Delay: f.Delay, Distance: f.Distance, Origin: strings.Clone(f.Origin), Destination: strings.Clone(f.Destination)}
	}
	return rows
}

// FlightSchema returns arrow-go's schema of the flights.
func FlightSchema(dictionary bool) *arrow.Schema {
	var airport arrow.DataType = arrow.BinaryTypes.String
	if dictionary {
		airport = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: airport}
	}
	return arrow.NewSchema([]arrow.Field{
		{Name: "date", Type: &arrow.TimestampType{Unit: arrow.Microsecond}},
		{Name: "delay", Type: arrow.PrimitiveTypes.Int32},
		{Name: "distance", Type: arrow.PrimitiveTypes.Int32},
		{Name: "origin", Type: airport},
		{Name: "destination", Type: airport},
	}, nil)
}

// FlightRecords fills arrow-go's RecordBuilder with flights, row by row. It keeps the dictionary's values from batch to batch.
type FlightRecords struct {
	b               *array.RecordBuilder
	date            *array.TimestampBuilder
	delay, distance *array.Int32Builder
}

// NewFlightRecords returns a builder of flights whose airports stand in dictionaries, or are text.
func NewFlightRecords(dictionary bool) *FlightRecords {
	b := array.NewRecordBuilder(memory.DefaultAllocator, FlightSchema(dictionary))
	return &FlightRecords{b, b.Field(0).(*array.TimestampBuilder), b.Field(1).(*array.Int32Builder), b.Field(2).(*array.Int32Builder)}
}

// Dictionaries returns a record of rows whose airports stand in dictionaries.
func (f *FlightRecords) Dictionaries(rows []tables.Flight) arrow.RecordBatch {
	f.b.Reserve(len(rows))
	origin, destination := f.b.Field(3).(*array.BinaryDictionaryBuilder), f.b.Field(4).(*array.BinaryDictionaryBuilder)
	for i := range rows {
		r := &rows[i]
		f.date.Append(arrow.Timestamp(r.Date.UnixMicro()))
		f.delay.Append(r.Delay)
		f.distance.Append(r.Distance)
		if err := origin.AppendString(r.Origin); err != nil {
			panic(err)
		}
		if err := destination.AppendString(r.Destination); err != nil {
			panic(err)
		}
	}
	return f.b.NewRecordBatch()
}

// Texts returns a record of rows whose airports are text.
func (f *FlightRecords) Texts(rows []tables.TextFlight) arrow.RecordBatch {
	f.b.Reserve(len(rows))
	origin, destination := f.b.Field(3).(*array.StringBuilder), f.b.Field(4).(*array.StringBuilder)
	for i := range rows {
		r := &rows[i]
		f.date.Append(arrow.Timestamp(r.Date.UnixMicro()))
		f.delay.Append(r.Delay)
		f.distance.Append(r.Distance)
		origin.Append(r.Origin)
		destination.Append(r.Destination)
	}
	return f.b.NewRecordBatch()
}
