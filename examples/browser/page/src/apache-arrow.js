// The decoder of apache-arrow, which is larger and loaded when it is chosen.

import { RecordBatchReader } from "apache-arrow";
import { isRaw, Type } from "./values.js";

export function decode(parts) {
  const reader = RecordBatchReader.from(parts);
  reader.open();
  const batch = reader.next().value;
  return {
    rows: batch?.numRows ?? 0,
    columns: reader.schema.fields.map((field, i) => {
      const vector = batch?.getChildAt(i);
      const data = vector?.data[0];
      let at = (row) => vector.get(row);
      if (isRaw(field.type)) at = (row) => (data.getValid(row) ? data.values[row] : null);
      return { name: field.name, nullable: field.nullable, type: typeOf(field.type), at };
    }),
  };
}

// typeOf has the kinds of apache-arrow that stand for several types as those of the format.
function typeOf(type) {
  const dictionary = type.typeId === Type.Dictionary;
  return {
    typeId: dictionary ? Type.Dictionary : type.typeId,
    bitWidth: type.bitWidth, isSigned: type.isSigned, precision: type.precision, scale: type.scale, unit: type.unit,
    timezone: type.timezone, byteWidth: type.byteWidth, listSize: type.listSize,
    indices: dictionary ? typeOf(type.indices) : undefined,
    dictionary: dictionary ? typeOf(type.dictionary) : undefined,
    children: type.children?.map((f) => ({ name: f.name, type: typeOf(f.type) })),
  };
}
