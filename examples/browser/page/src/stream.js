// Cuts an Arrow IPC stream that arrives in pieces of any size into its messages, and keeps what later batches need: the schema
// and the dictionaries as they are. A batch is then given out with both, as a stream of its own that any decoder takes.

const continuation = 0xffffffff;
const prefix = 8;

// Limits of what a peer may announce; nothing is allocated beyond them.
const maxMetadata = 16 << 20;
const maxBody = 512 << 20;
const maxDeltas = 10_000;

// Kinds of messages, as the format numbers them.
const kinds = { 1: "schema", 2: "dictionary", 3: "batch", 4: "tensor", 5: "sparse tensor" };

export class StreamError extends Error {
  name = "StreamError";
}

export class Stream {
  #head = new Uint8Array(prefix);
  #have = 0; // bytes of the prefix, or of the message
  #message = null; // being filled, once its length is known
  #body = -1; // length of the body, once the metadata is there
  #bodyAt = 0;
  #schema = null;
  #dictionaries = new Map(); // id to messages: the values, and deltas
  ended = false;
  bytes = 0;

  // push takes bytes and yields, for each batch that is complete, the messages that make it a stream.
  *push(piece) {
    this.bytes += piece.length;
    let at = 0;
    for (;;) {
      if (!this.#message) {
        at += this.#fill(this.#head, prefix, piece, at);
        if (this.#have < prefix) return;
        const length = this.#metadataLength();
        if (length === 0) {
          if (at < piece.length) throw new StreamError("bytes follow the end of the stream");
          this.ended = true;
          return;
        }
        this.#message = new Uint8Array(prefix + length);
        this.#message.set(this.#head);
        this.#body = -1;
      }
      at += this.#fill(this.#message, this.#message.length, piece, at);
      if (this.#have < this.#message.length) return;
      if (this.#body < 0) {
        const { bodyLength } = header(this.#message);
        this.#bodyAt = this.#message.length;
        this.#body = bodyLength;
        if (bodyLength > 0) {
          // Messages start at multiples of 64 in the stream, so the body of one that is alone is aligned too.
          const whole = new Uint8Array(this.#bodyAt + bodyLength);
          whole.set(this.#message);
          this.#message = whole;
          continue;
        }
      }
      const message = this.#message;
      this.#message = null;
      this.#have = 0;
      const batch = this.#take(message);
      if (batch) yield batch;
    }
  }

  #fill(to, size, piece, at) {
    const n = Math.min(size - this.#have, piece.length - at);
    to.set(piece.subarray(at, at + n), this.#have);
    this.#have += n;
    return n;
  }

  #metadataLength() {
    if (this.ended) throw new StreamError("bytes follow the end of the stream");
    const view = new DataView(this.#head.buffer);
    if (view.getUint32(0, true) !== continuation) {
      throw new StreamError("what the server sends is not an Arrow stream");
    }
    const length = view.getInt32(4, true);
    if (length < 0 || length > maxMetadata || length % 8 !== 0) {
      throw new StreamError(`a message announces metadata of ${length} bytes`);
    }
    return length;
  }

  #take(message) {
    const { kind, id, isDelta } = header(message);
    switch (kind) {
      case "schema":
        if (this.#schema) throw new StreamError("the schema changed in mid-stream");
        this.#schema = message;
        return { schema: true, parts: [message] };
      case "dictionary": {
        if (!this.#schema) throw new StreamError("a dictionary came before the schema");
        if (!isDelta) {
          this.#dictionaries.set(id, [message]);
          return null;
        }
        const list = this.#dictionaries.get(id);
        if (!list) throw new StreamError(`the dictionary ${id} begins with a delta`);
        if (list.length >= maxDeltas) throw new StreamError(`the dictionary ${id} has more than ${maxDeltas} deltas`);
        list.push(message);
        return null;
      }
      case "batch":
        if (!this.#schema) throw new StreamError("a batch came before the schema");
        return { schema: false, parts: [this.#schema, ...[...this.#dictionaries.values()].flat(), message] };
      default:
        throw new StreamError(`a message is a ${kind ?? "kind that is unknown"}, which is no part of a table`);
    }
  }
}

// header reads what is needed of a message's metadata, a flatbuffer: its kind, the length of its body, and of a dictionary the
// id and whether it extends the last one.
function header(message) {
  const view = new DataView(message.buffer, message.byteOffset + prefix, message.length - prefix);
  try {
    const root = view.getUint32(0, true);
    const bodyLength = slot(view, root, 3, 8, (at) => Number(view.getBigInt64(at, true)), 0);
    if (!(bodyLength >= 0 && bodyLength <= maxBody)) {
      throw new StreamError(`a message announces a body of ${bodyLength} bytes; this page takes up to ${maxBody}`);
    }
    const kind = kinds[slot(view, root, 1, 1, (at) => view.getUint8(at), 0)];
    if (kind !== "dictionary") return { kind, bodyLength };
    const table = slot(view, root, 2, 4, (at) => at + view.getUint32(at, true), -1);
    if (table < 0) throw new RangeError();
    return {
      kind,
      bodyLength,
      id: slot(view, table, 0, 8, (at) => view.getBigInt64(at, true), 0n),
      isDelta: slot(view, table, 2, 1, (at) => view.getUint8(at), 0) !== 0,
    };
  } catch (err) {
    if (err instanceof RangeError) throw new StreamError("the metadata of a message is damaged");
    throw err;
  }
}

// slot reads field number n of a flatbuffer's table. Beyond its bounds a DataView throws a RangeError.
function slot(view, table, n, size, read, absent) {
  const vtable = table - view.getInt32(table, true);
  const at = 4 + 2 * n;
  if (at + 2 > view.getUint16(vtable, true)) return absent;
  const offset = view.getUint16(vtable + at, true);
  return offset === 0 ? absent : read(table + offset);
}
