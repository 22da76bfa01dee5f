// A PostgreSQL port in front of PGlite with TimescaleDB, for the tests alone: node front.mjs PACKAGE_FOLDER
//
// PGlite is one backend without a network. What its own socket server cannot do, this one does:
// - messages are cut by their length, never by how TCP delivers them;
// - COPY FROM STDIN goes in as one call with all its data, since the backend cannot wait for more;
// - a long batch goes in pieces that begin with a Bind, since a call of over 64 KiB may crash the backend;
// - sockets take turns, one transaction each, and keep their prepared statements apart.
// It prints {"port": N} when it listens on loopback, and ends with its standard input.
import net from "node:net";
import { pathToFileURL } from "node:url";

const folder = pathToFileURL(`${process.argv[2]}/dist/`);
const at = (file) => new URL(file, folder);
const { PGlite } = await import(at("index.js"));
const bundle = (name) => ({ name, setup: async () => ({ bundlePath: at(`${name}.tar.gz`) }) });
const database = await PGlite.create({
  extensions: { timescaledb: bundle("timescaledb"), btree_gist: bundle("btree_gist") },
});

const PIECE = 16 * 1024;
const COPY_IN = /^\s*(--[^\n]*\n\s*)*COPY\b[\s\S]*\bFROM\s+STDIN\b/i;
const SSL = 80877103, GSS = 80877104, CANCEL = 80877102;

/** The socket whose transaction is open, and those that wait for their turn. */
let owner = null;
const waiting = [];

async function turn(socket) {
  if (owner !== null && owner !== socket) await new Promise((go) => waiting.push({ socket, go }));
  owner = socket;
}

function release() {
  const next = waiting.shift();
  owner = next ? next.socket : null;
  next?.go();
}

function message(type, ...parts) {
  const body = Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(`${part}\0`) : part)));
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const int = (value, bytes) => { const b = Buffer.alloc(bytes); b.writeIntBE(value, 0, bytes); return b; };

function greeting() {
  const settings = {
    server_version: "17.5", server_encoding: "UTF8", client_encoding: "UTF8", DateStyle: "ISO, MDY",
    TimeZone: "UTC", integer_datetimes: "on", standard_conforming_strings: "on",
  };
  return Buffer.concat([
    message("R", int(0, 4)),
    ...Object.entries(settings).map(([name, value]) => message("S", name, value)),
    message("K", int(0, 4), int(0, 4)),
    message("Z", Buffer.from("I")),
  ]);
}

/** Cut whole messages off the front of `bytes`; the first of a connection has no type. */
function* messages(bytes) {
  for (let from = 0; from < bytes.length; ) {
    const length = bytes.readInt32BE(from + 1) + 1;
    yield bytes.subarray(from, from + length);
    from += length;
  }
}

/** The same message with the socket's number in the name of its prepared statement. */
function own(socket, bytes) {
  const type = String.fromCharCode(bytes[0]);
  let name = 5;
  if (type === "B") name = bytes.indexOf(0, 5) + 1;
  else if ("DC".includes(type) && bytes[5] === 0x53) name = 6;
  else if (type !== "P") return bytes;
  if (bytes[name] === 0) return bytes;
  return message(type, bytes.subarray(5, name), Buffer.from(`${socket.number}_`), bytes.subarray(name));
}

/** Hand a batch to the backend; returns its answer, and lets the next one in when no transaction is open. */
async function submit(socket, batch) {
  await turn(socket);
  const copies = batch.length > 1 && batch[0][0] === 0x51;
  const pieces = [[]];
  let size = 0;
  for (const one of batch) {
    if (!copies && one[0] === 0x42 && size + one.length > PIECE && size > 0) { pieces.push([]); size = 0; }
    pieces.at(-1).push(one);
    size += one.length;
  }
  const answers = [];
  for (const piece of pieces) {
    answers.push(Buffer.from(await database.execProtocolRaw(Buffer.concat(piece))));
  }
  const answer = [...messages(Buffer.concat(answers))].filter((one) => !copies || one[0] !== 0x47);
  const last = answer.at(-1);
  if (last?.[0] === 0x5a && last[5] === 0x49) release();
  return Buffer.concat(answer);
}

/** Take what a socket sent, one message at a time. */
async function serve(socket, one) {
  const type = String.fromCharCode(one[0]);
  if (type === "X") return socket.end();
  if (type === "Q" && COPY_IN.test(one.toString("utf8", 5))) {
    socket.batch = [one];
    socket.copying = true;
    const binary = /\bBINARY\b/i.test(one.toString("utf8", 5)) ? 1 : 0;
    return socket.write(message("G", int(binary, 1), int(0, 2)));
  }
  if (socket.copying && !"dcf".includes(type)) return undefined; // Flush or Sync amid a COPY
  socket.batch.push(own(socket, one));
  if (!(socket.copying ? "cf" : "QSH").includes(type)) return undefined;
  const batch = socket.batch;
  socket.batch = [];
  socket.copying = false;
  return socket.write(await submit(socket, batch));
}

let sockets = 0;
const server = net.createServer({ noDelay: true }, (socket) => {
  Object.assign(socket, { number: ++sockets, greeted: false, batch: [], copying: false });
  let bytes = Buffer.alloc(0);
  let work = Promise.resolve();
  const then = (step) => { work = work.then(step).catch((error) => { console.error(error); process.exit(1); }); };
  socket.on("data", (chunk) => {
    bytes = bytes.length ? Buffer.concat([bytes, chunk]) : chunk;
    for (;;) {
      const head = socket.greeted ? 1 : 0;
      if (bytes.length < head + 4 || bytes.length < head + bytes.readInt32BE(head)) return;
      const one = bytes.subarray(0, head + bytes.readInt32BE(head));
      bytes = bytes.subarray(one.length);
      if (socket.greeted) { then(() => serve(socket, one)); continue; }
      const code = one.readInt32BE(4);
      if (code === SSL || code === GSS) socket.write("N");
      else if (code === CANCEL) socket.end();
      else { socket.greeted = true; socket.write(greeting()); }
    }
  });
  socket.on("error", () => {});
  socket.on("close", () => then(async () => {
    if (owner !== socket) return;
    await database.execProtocolRaw(message("Q", "ROLLBACK"));
    release();
  }));
});

server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));
process.stdin.on("end", () => process.exit(0)).resume();
