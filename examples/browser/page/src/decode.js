// The two decoders behind one interface. Each takes the messages of a stream with one batch or none and returns
//
//	{rows, columns: [{name, nullable, type, at(row)}]}
//
// where at returns null, or what show and toNumber take.

import { isRaw } from "./values.js";
import { tableFromIPC } from "@uwdata/flechette";

export const decoders = {
  flechette: { label: "@uwdata/flechette", load: async () => flechette },
  arrow: { label: "apache-arrow", load: async () => (await import("./apache-arrow.js")).decode },
};

function flechette(parts) {
  const table = tableFromIPC(parts, { useBigInt: true, useBigIntTimestamp: true, useDecimalInt: true });
  return {
    rows: table.numRows,
    columns: table.schema.fields.map((field, i) => {
      const batch = table.getChildAt(i).data[0];
      let at = (row) => batch.at(row);
      if (isRaw(field.type)) at = (row) => (batch.at(row) === null ? null : batch.values[row]);
      return { name: field.name, nullable: field.nullable, type: field.type, at };
    }),
  };
}
