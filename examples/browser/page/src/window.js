// The last rows as numbers, for the charts.

import { toNumber } from "./values.js";

export class Window {
  #size;
  #axis; // place of the column across, or -1 for the number of the row
  #columns; // places of those that are drawn
  #xs = [];
  #ys;
  unordered = false; // the column across goes back, which a line chart cannot show

  constructor(size, axis, columns, all) {
    this.#size = size;
    this.#axis = axis;
    this.#columns = columns;
    this.types = all.map((c) => c.type);
    this.#ys = columns.map(() => []);
  }

  // add takes a batch whose first row has the given number.
  add(batch, first) {
    const from = Math.max(0, batch.rows - this.#size);
    if (from > 0) this.clear();
    let last = this.#xs.length > 0 ? this.#xs[this.#xs.length - 1] : -Infinity;
    for (let row = from; row < batch.rows; row++) {
      let x = first + row;
      if (this.#axis >= 0) {
        x = toNumber(batch.columns[this.#axis].at(row), this.types[this.#axis]);
        if (Number.isNaN(x)) continue; // a null has no place
        if (x < last) this.unordered = true;
        last = x;
      }
      this.#xs.push(x);
      this.#columns.forEach((c, n) => {
        const y = toNumber(batch.columns[c].at(row), this.types[c]);
        this.#ys[n].push(Number.isFinite(y) ? y : null);
      });
    }
    // What is too old goes at times, not with each batch.
    const over = this.#xs.length - this.#size;
    if (over > this.#size / 2) for (const list of [this.#xs, ...this.#ys]) list.splice(0, over);
  }

  clear() {
    this.#xs.length = 0;
    for (const y of this.#ys) y.length = 0;
    this.unordered = false;
  }

  x() {
    return this.#xs.slice(-this.#size);
  }

  y(n) {
    return this.#ys[n].slice(-this.#size);
  }
}
