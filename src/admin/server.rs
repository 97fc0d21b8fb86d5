//! The HTTP side: a few pages, and bounds for everything that a client could make grow or last.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::collector::Collector;
use super::{Facts, families, health, text};

/// Who comes when there are so many takes the place of the oldest: whoever opens connections and says nothing keeps nobody
/// out.
const CONNECTIONS_MAX: usize = 32;
/// A request's first line and headers take no longer to arrive.
const HEAD_MAX: Duration = Duration::from_secs(5);
/// A connection is closed after this time, whatever it does: who is watching opens another one.
const CONNECTION_MAX: Duration = Duration::from_secs(60);
/// A request's first line and headers are not longer.
const HEAD_BYTES_MAX: usize = 16 * 1024;
const HEADERS_MAX: usize = 64;
/// After an error of the listener, such as too many open files.
const PAUSE: Duration = Duration::from_millis(100);

const JSON: &str = "application/json";
const PLAIN: &str = "text/plain; charset=utf-8";

/// All that the pages are made of.
pub struct Site {
    pub collector: Collector,
    pub facts: Facts,
}

/// Answers until `ended`.
pub async fn serve(listener: TcpListener, site: Arc<Site>, ended: oneshot::Receiver<()>) {
    let accepting = tokio::spawn(accept(listener, site));
    // Whatever it says: the other end is gone.
    let _ = ended.await;
    accepting.abort();
}

async fn accept(listener: TcpListener, site: Arc<Site>) {
    let mut open: VecDeque<AbortHandle> = VecDeque::with_capacity(CONNECTIONS_MAX);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                open.retain(|conversation| !conversation.is_finished());
                if open.len() >= CONNECTIONS_MAX
                    && let Some(oldest) = open.pop_front()
                {
                    oldest.abort();
                }
                let conversation = timeout(CONNECTION_MAX, converse(stream, site.clone()));
                open.push_back(tokio::spawn(conversation).abort_handle());
            }
            Err(error) => {
                tracing::debug!("the admin listener: {error}");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn converse(stream: TcpStream, site: Arc<Site>) {
    let answer = move |request: Request<Incoming>| {
        let site = site.clone();
        async move { Ok::<_, Infallible>(site.answer(request.method(), request.uri().path()).await) }
    };
    let conversation = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service_fn(answer));
    if let Err(error) = conversation.await {
        tracing::debug!("a conversation on the admin listener: {error}");
    }
}

impl Site {
    async fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        if method != Method::GET && method != Method::HEAD {
            let mut response = page(StatusCode::METHOD_NOT_ALLOWED, PLAIN, "only GET and HEAD\n".to_owned());
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        match path {
            "/metrics" => {
                let view = self.collector.gather().await;
                page(StatusCode::OK, text::CONTENT_TYPE, families::page(&view, &self.facts))
            }
            "/healthz" => {
                let view = self.collector.gather().await;
                self.verdict(health::of_everything(&view, &self.facts.directories))
            }
            "/readyz" => {
                let view = self.collector.gather().await;
                self.verdict(health::of_readiness(&view))
            }
            _ => page(StatusCode::NOT_FOUND, PLAIN, "there are /metrics, /healthz and /readyz\n".to_owned()),
        }
    }

    fn verdict(&self, reasons: Vec<String>) -> Response<Full<Bytes>> {
        let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        page(status, JSON, health::to_json(&reasons))
    }
}

fn page(status: StatusCode, content_type: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
