//! One end of a stream of the Rust lightstream over TCP or a Unix socket, or mapped files; as the peer of arrow-rs is.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use lightstream::models::readers::ipc::mmap_table::MmapTableReader;
use lightstream::models::readers::tcp::TcpTableReader;
use lightstream::models::readers::uds::UdsTableReader;
use lightstream::models::writers::tcp::TcpTableWriter;
use lightstream::models::writers::uds::UdsTableWriter;
use lightstream::traits::transport_reader::IPCTransportReader;
use lightstream::traits::transport_writer::IPCTransportWriter;
use minarrow::{Array, Field, NumericArray, Table, TextArray};
use serde_json::{Value, json};

type Failure = Box<dyn std::error::Error + Send + Sync>;

struct Meter {
    batches: u64,
    began: Instant,
    cpu: f64,
    gaps: Vec<u64>, // intervals between batches by bucket; empty where they are not kept
    last: Instant,
}

impl Meter {
    fn new(gaps: bool) -> Self {
        let (n, now) = (if gaps { 16 * 60 } else { 0 }, Instant::now());
        Meter { batches: 0, began: now, cpu: 0.0, gaps: vec![0; n], last: now }
    }
    fn batch(&mut self) {
        self.batches += 1;
        if self.batches == 1 {
            self.began = Instant::now();
            self.cpu = cpu();
            self.last = self.began;
        } else if !self.gaps.is_empty() {
            let now = Instant::now();
            self.gaps[bucket((now - self.last).as_nanos() as u64)] += 1;
            self.last = now;
        }
    }
    fn report(&self) -> Value {
        let gaps: Vec<_> = self.gaps.iter().enumerate().filter(|(_, n)| **n != 0).collect();
        json!({"Batches": self.batches, "Seconds": self.began.elapsed().as_secs_f64(), "CPU": cpu() - self.cpu, "Peak": peak(), "Gaps": gaps})
    }
}

/// bucket returns that of an interval: 16 for each power of two, as intervals.go has them.
fn bucket(nanos: u64) -> usize {
    let e = (64 - nanos.leading_zeros()).saturating_sub(5);
    16 * e as usize + (nanos >> e) as usize
}

/// cpu returns the seconds of processor that this process has used.
fn cpu() -> f64 {
    let mut r: libc::rusage = unsafe { std::mem::zeroed() };
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut r) };
    let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    seconds(r.ru_utime) + seconds(r.ru_stime)
}

/// peak returns the most bytes of memory that this process has had.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap_or("");
    line.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0) << 10
}

fn orders() -> impl Iterator<Item = Result<Value, Failure>> {
    std::io::stdin().lock().lines().map(|l| Ok(serde_json::from_str(&l?)?))
}

fn say(v: Value) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{v}");
    let _ = out.flush();
}

fn failed(e: impl std::fmt::Debug) -> Failure {
    format!("{e:?}").into()
}

/// load reads the batches of a file.
fn load(path: &str) -> Result<(Vec<Table>, Vec<Field>), Failure> {
    let r = MmapTableReader::open(path).map_err(failed)?;
    let mut tables = Vec::new();
    for i in 0..r.num_batches() {
        tables.push(r.read_batch(i).map_err(failed)?);
    }
    let schema = tables[0].schema().iter().map(|f| (**f).clone()).collect();
    Ok((tables, schema))
}

async fn send<W: IPCTransportWriter>(mut w: W, tables: &[Table], d: Duration) -> Result<Meter, Failure> {
    for (i, f) in tables[0].cols.iter().enumerate() {
        if let Array::TextArray(TextArray::Categorical32(c)) = &f.array {
            w.register_dictionary(i as i64, c.unique_values.iter().cloned().collect());
        }
    }
    let mut m = Meter::new(false);
    let began = Instant::now();
    while m.batches < 2 || began.elapsed() < d {
        w.write_table(tables[m.batches as usize % tables.len()].clone()).await.map_err(failed)?;
        m.batch();
    }
    w.finish().await.map_err(failed)?;
    Ok(m)
}

async fn receive<R: IPCTransportReader>(mut r: R, rows: usize, gaps: bool) -> Result<Meter, Failure> {
    let mut m = Meter::new(gaps);
    while let Some(t) = r.read_next().await.map_err(failed)? {
        if t.n_rows != rows {
            return Err(format!("a batch of {} rows", t.n_rows).into());
        }
        std::hint::black_box(&t.cols);
        m.batch();
    }
    Ok(m)
}

async fn stream(task: &Value) -> Result<(), Failure> {
    let network = |n: &str| task["Network"][n].as_str().unwrap_or("").to_string();
    if task["Send"].as_bool() == Some(true) {
        let (tables, schema) = load(task["File"].as_str().unwrap_or(""))?;
        say(json!({}));
        for order in orders() {
            let order = order?;
            let d = Duration::from_nanos(order["Time"].as_u64().unwrap_or(0));
            let m = match order["Network"].as_str().unwrap_or("") {
                "tcp" => send(TcpTableWriter::connect(&network("tcp"), schema.clone(), None).await.map_err(failed)?, &tables, d).await?,
                "uds" => send(UdsTableWriter::connect(&network("uds"), schema.clone(), None).await.map_err(failed)?, &tables, d).await?,
                n => return Err(format!("no network {n}").into()),
            };
            say(m.report());
        }
        return Ok(());
    }
    let rows = task["Rows"].as_u64().unwrap_or(0) as usize;
    let gaps = task["Gaps"].as_bool() == Some(true);
    let tcp = tokio::net::TcpListener::bind(network("tcp")).await?;
    let uds = tokio::net::UnixListener::bind(network("uds"))?;
    let at = BTreeMap::from([("tcp", tcp.local_addr()?.to_string()), ("uds", network("uds"))]);
    say(json!({ "Network": at }));
    for order in orders() {
        let order = order?;
        let m = match order["Network"].as_str().unwrap_or("") {
            "tcp" => receive(TcpTableReader::accept(&tcp, None).await.map_err(failed)?, rows, gaps).await?,
            "uds" => receive(UdsTableReader::accept(&uds, None).await.map_err(failed)?, rows, gaps).await?,
            n => return Err(format!("no network {n}").into()),
        };
        say(m.report());
    }
    Ok(())
}

/// open_file maps a file and takes all batches of it, and the sum of the first column where that is wanted.
fn open_file(path: &str, rows: usize, sum: bool) -> Result<(MmapTableReader, Vec<Table>), Failure> {
    let r = MmapTableReader::open(path).map_err(failed)?;
    let mut tables = Vec::with_capacity(r.num_batches());
    let (mut seen, mut total) = (0, 0i64);
    for i in 0..r.num_batches() {
        let t = r.read_batch(i).map_err(failed)?;
        seen += t.n_rows;
        if let (true, Array::NumericArray(NumericArray::Int64(a))) = (sum, &t.cols[0].array) {
            total = a.data.iter().fold(total, |s, v| s.wrapping_add(*v));
        }
        tables.push(t);
    }
    std::hint::black_box(total);
    if seen != rows {
        return Err(format!("{seen} rows").into());
    }
    Ok((r, tables))
}

/// mapped opens a file again and again: each line of input is for how many seconds, each line of output how often, how
/// long and with how much of the processor.
fn mapped(args: &[String]) -> Result<(), Failure> {
    let (path, rows, sum, closing) = (&args[0], args[1].parse()?, args[2] == "true", args[3] == "true");
    for line in std::io::stdin().lock().lines() {
        let d = Duration::from_secs_f64(line?.trim().parse()?);
        let (mut n, mut took, mut used) = (0, 0.0, 0.0);
        let began = Instant::now();
        while began.elapsed() < d {
            let (mut at, mut start) = (cpu(), Instant::now());
            let opened = open_file(path, rows, sum)?;
            if closing {
                (at, start) = (cpu(), Instant::now());
                drop(opened);
                took += start.elapsed().as_secs_f64();
                used += cpu() - at;
            } else {
                took += start.elapsed().as_secs_f64();
                used += cpu() - at;
                drop(opened);
            }
            n += 1;
        }
        println!("{n} {took} {used}");
    }
    Ok(())
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args[0] == "open" {
        if let Err(e) = mapped(&args[1..]) {
            eprintln!("{e}");
            std::process::exit(1);
        }
        return;
    }
    let run = || -> Result<(), Failure> {
        let task: Value = serde_json::from_str(&args[0])?;
        tokio::runtime::Runtime::new()?.block_on(stream(&task))
    };
    if let Err(e) = run() {
        say(json!({"Error": e.to_string()}));
        std::process::exit(1);
    }
}
