//! One end of a stream of arrow-rs: IPC over TCP, a Unix socket or a named pipe, or Flight DoGet.
//!
//! It is started with a task as JSON, says in a line where it listens, and serves one connection for each order, a line
//! of JSON, after which it says in a line what it did. The clock starts when the first batch is through.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::flight_service_server::{FlightService, FlightServiceServer};
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightClient, FlightData, FlightDescriptor, FlightInfo, HandshakeRequest,
    HandshakeResponse, PollInfo, PutResult, SchemaResult, Ticket,
};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use futures::StreamExt;
use futures::stream::BoxStream;
use serde_json::{Value, json};
use tonic::{Request, Response, Status, Streaming};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const BUFFER: usize = 256 << 10;

/// Meter counts batches and starts its clock after the first.
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

fn load(path: &str) -> Result<Vec<RecordBatch>, Failure> {
    let r = StreamReader::try_new(BufReader::new(File::open(path)?), None)?;
    Ok(r.collect::<Result<_, _>>()?)
}

fn orders() -> impl Iterator<Item = Result<Value, Failure>> {
    std::io::stdin().lock().lines().map(|l| Ok(serde_json::from_str(&l?)?))
}

fn time(order: &Value) -> Duration {
    Duration::from_nanos(order["Time"].as_u64().unwrap_or(0))
}

fn say(v: Value) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{v}");
    let _ = out.flush();
}

fn send(out: impl Write, batches: &[RecordBatch], d: Duration) -> Result<Meter, Failure> {
    let mut m = Meter::new(false);
    let mut w = StreamWriter::try_new(BufWriter::with_capacity(BUFFER, out), &batches[0].schema())?;
    let began = Instant::now();
    while m.batches < 2 || began.elapsed() < d {
        w.write(&batches[m.batches as usize % batches.len()])?;
        m.batch();
    }
    w.finish()?;
    w.get_mut().flush()?;
    Ok(m)
}

fn receive(src: impl Read, rows: usize, gaps: bool) -> Result<Meter, Failure> {
    let mut m = Meter::new(gaps);
    for batch in StreamReader::try_new(BufReader::with_capacity(BUFFER, src), None)? {
        if batch?.num_rows() != rows {
            return Err("a batch of other rows".into());
        }
        m.batch();
    }
    Ok(m)
}

fn ipc(task: &Value) -> Result<(), Failure> {
    let network = |n: &str| task["Network"][n].as_str().unwrap_or("").to_string();
    let rows = task["Rows"].as_u64().unwrap_or(0) as usize;
    let gaps = task["Gaps"].as_bool() == Some(true);
    if task["Send"].as_bool() == Some(true) {
        let batches = load(task["File"].as_str().unwrap_or(""))?;
        say(json!({}));
        for order in orders() {
            let order = order?;
            let (net, d) = (order["Network"].as_str().unwrap_or(""), time(&order));
            let m = match net {
                "tcp" => send(TcpStream::connect(network(net))?, &batches, d)?,
                "uds" => send(UnixStream::connect(network(net))?, &batches, d)?,
                "pipe" => send(File::options().write(true).open(network(net))?, &batches, d)?,
                _ => return Err(format!("no network {net}").into()),
            };
            say(m.report());
        }
        return Ok(());
    }
    let tcp = TcpListener::bind(network("tcp"))?;
    let uds = UnixListener::bind(network("uds"))?;
    let mut at: BTreeMap<&str, String> = BTreeMap::new();
    at.insert("tcp", tcp.local_addr()?.to_string());
    at.insert("uds", network("uds"));
    at.insert("pipe", network("pipe"));
    say(json!({ "Network": at }));
    for order in orders() {
        let order = order?;
        let net = order["Network"].as_str().unwrap_or("");
        let m = match net {
            "tcp" => receive(tcp.accept()?.0, rows, gaps)?,
            "uds" => receive(uds.accept()?.0, rows, gaps)?,
            "pipe" => receive(File::open(network(net))?, rows, gaps)?,
            _ => return Err(format!("no network {net}").into()),
        };
        say(m.report());
    }
    Ok(())
}

/// Server answers one DoGet for each order.
#[derive(Clone)]
struct Server {
    batches: Arc<Vec<RecordBatch>>,
    orders: Arc<Mutex<mpsc::Receiver<Duration>>>,
    done: Arc<Mutex<mpsc::Sender<Value>>>,
}

type Answer<T> = BoxStream<'static, Result<T, Status>>;

#[tonic::async_trait]
impl FlightService for Server {
    type HandshakeStream = Answer<HandshakeResponse>;
    type ListFlightsStream = Answer<FlightInfo>;
    type DoGetStream = Answer<FlightData>;
    type DoPutStream = Answer<PutResult>;
    type DoExchangeStream = Answer<FlightData>;
    type DoActionStream = Answer<arrow_flight::Result>;
    type ListActionsStream = Answer<ActionType>;

    async fn do_get(&self, _: Request<Ticket>) -> Result<Response<Self::DoGetStream>, Status> {
        let d = self.orders.lock().unwrap().recv().map_err(|e| Status::internal(e.to_string()))?;
        let (batches, done) = (self.batches.clone(), self.done.clone());
        let schema = batches[0].schema();
        let (mut m, began) = (Meter::new(false), Instant::now());
        let input = futures::stream::poll_fn(move |_| {
            let i = m.batches as usize;
            m.batch();
            if i >= 2 && began.elapsed() >= d {
                m.batches -= 1; // this one is not sent
                let _ = done.lock().unwrap().send(m.report());
                return std::task::Poll::Ready(None);
            }
            std::task::Poll::Ready(Some(Ok(batches[i % batches.len()].clone())))
        });
        let s = FlightDataEncoderBuilder::new()
            .with_schema(schema)
            .with_dictionary_handling(arrow_flight::encode::DictionaryHandling::Resend)
            .build(input)
            .map(|r| r.map_err(|e| Status::internal(e.to_string())));
        Ok(Response::new(s.boxed()))
    }
    async fn handshake(&self, _: Request<Streaming<HandshakeRequest>>) -> Result<Response<Self::HandshakeStream>, Status> {
        Err(Status::unimplemented(""))
    }
    async fn list_flights(&self, _: Request<Criteria>) -> Result<Response<Self::ListFlightsStream>, Status> {
        Err(Status::unimplemented(""))
    }
    async fn get_flight_info(&self, _: Request<FlightDescriptor>) -> Result<Response<FlightInfo>, Status> {
        Err(Status::unimplemented(""))
    }
    async fn poll_flight_info(&self, _: Request<FlightDescriptor>) -> Result<Response<PollInfo>, Status> {
        Err(Status::unimplemented(""))
    }
    async fn get_schema(&self, _: Request<FlightDescriptor>) -> Result<Response<SchemaResult>, Status> {
        Err(Status::unimplemented(""))
    }
    async fn do_put(&self, _: Request<Streaming<FlightData>>) -> Result<Response<Self::DoPutStream>, Status> {
        Err(Status::unimplemented(""))
    }
    async fn do_action(&self, _: Request<Action>) -> Result<Response<Self::DoActionStream>, Status> {
        Err(Status::unimplemented(""))
    }
    async fn list_actions(&self, _: Request<Empty>) -> Result<Response<Self::ListActionsStream>, Status> {
        Err(Status::unimplemented(""))
    }
    async fn do_exchange(&self, _: Request<Streaming<FlightData>>) -> Result<Response<Self::DoExchangeStream>, Status> {
        Err(Status::unimplemented(""))
    }
}

fn flight(task: &Value) -> Result<(), Failure> {
    let rt = tokio::runtime::Runtime::new()?;
    let addr = task["Network"]["flight"].as_str().unwrap_or("").to_string();
    if task["Send"].as_bool() == Some(true) {
        let (give, orders_in) = mpsc::channel();
        let (done, reports) = mpsc::channel();
        let server = Server {
            batches: Arc::new(load(task["File"].as_str().unwrap_or(""))?),
            orders: Arc::new(Mutex::new(orders_in)),
            done: Arc::new(Mutex::new(done)),
        };
        let l = rt.block_on(tokio::net::TcpListener::bind(addr))?;
        say(json!({"Network": {"flight": l.local_addr()?.to_string()}}));
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(l);
        let service = FlightServiceServer::new(server).max_encoding_message_size(usize::MAX);
        rt.spawn(tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming));
        for order in orders() {
            give.send(time(&order?))?;
            say(reports.recv()?);
        }
        std::process::exit(0);
    }
    let rows = task["Rows"].as_u64().unwrap_or(0) as usize;
    let gaps = task["Gaps"].as_bool() == Some(true);
    say(json!({}));
    for order in orders() {
        order?;
        let report = rt.block_on(async {
            let channel = tonic::transport::Channel::from_shared(format!("http://{addr}"))?.connect().await?;
            let inner = FlightServiceClient::new(channel).max_decoding_message_size(usize::MAX);
            let mut client = FlightClient::new_from_inner(inner);
            let mut stream = client.do_get(Ticket::new("x")).await?;
            let (mut m, mut seen) = (Meter::new(gaps), 0);
            while let Some(part) = stream.next().await {
                seen += part?.num_rows(); // large batches come in parts
                if seen >= rows {
                    seen -= rows;
                    m.batch();
                }
            }
            Ok::<Value, Failure>(m.report())
        })?;
        say(report);
    }
    Ok(())
}

fn main() {
    let run = || -> Result<(), Failure> {
        let task: Value = serde_json::from_str(&std::env::args().nth(1).ok_or("no task")?)?;
        if task["Peer"] == "arrow-rs Flight" { flight(&task) } else { ipc(&task) }
    };
    if let Err(e) = run() {
        say(json!({"Error": e.to_string()}));
        std::process::exit(1);
    }
}
