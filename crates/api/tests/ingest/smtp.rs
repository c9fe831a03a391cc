//! A mail server on this machine, that keeps what it gets and fails as it is told.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Got {
    pub to: String,
    pub id: String,
    pub source: String,
}

/// What it does wrong, in this order, once each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 451 to the recipient.
    Busy,
    /// 550 5.1.1 to the recipient.
    NobodyThere,
    /// 554 5.7.1 to the content.
    Spam,
    /// Takes the content, and closes without an answer.
    Silent,
    /// Closes at once.
    Closed,
}

#[derive(Clone, Default)]
pub struct Relay {
    pub port: u16,
    pub got: Arc<Mutex<Vec<Got>>>,
    pub faults: Arc<Mutex<Vec<Fault>>>,
    pub down: Arc<AtomicBool>,
    /// What a client logged in with last, in base64.
    pub login: Arc<Mutex<String>>,
}

impl Relay {
    pub async fn start() -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let relay = Relay { port: listener.local_addr().unwrap().port(), ..Relay::default() };
        let shared = relay.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if shared.down.load(Ordering::SeqCst) {
                    continue;
                }
                let shared = shared.clone();
                tokio::spawn(async move { drop(shared.talk(stream).await) });
            }
        });
        relay
    }

    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    pub fn fail(&self, faults: &[Fault]) {
        self.faults.lock().unwrap().extend(faults);
    }

    fn next(&self, which: &[Fault]) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        let first = faults.first().copied().filter(|f| which.contains(f))?;
        faults.remove(0);
        Some(first)
    }

    async fn talk(&self, stream: TcpStream) -> std::io::Result<()> {
        if self.next(&[Fault::Closed]).is_some() {
            return Ok(());
        }
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 relay.test ESMTP\r\n").await?;
        let mut to = String::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let verb = line.to_ascii_uppercase();
            let answer: &[u8] = if verb.starts_with("EHLO") {
                b"250-relay.test\r\n250-AUTH PLAIN\r\n250 8BITMIME\r\n"
            } else if verb.starts_with("AUTH PLAIN") {
                *self.login.lock().unwrap() = line.split(' ').nth(2).unwrap_or_default().trim().to_owned();
                b"235 2.7.0 welcome\r\n"
            } else if verb.starts_with("RCPT") {
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                match self.next(&[Fault::Busy, Fault::NobodyThere]) {
                    Some(Fault::Busy) => b"451 4.3.0 try later\r\n",
                    Some(_) => b"550 5.1.1 nobody here\r\n",
                    None => b"250 ok\r\n",
                }
            } else if verb.starts_with("DATA") {
                stream.write_all(b"354 go on\r\n").await?;
                let mut source = String::new();
                while !source.ends_with("\r\n.\r\n") {
                    if stream.read_line(&mut source).await? == 0 {
                        return Ok(());
                    }
                }
                match self.next(&[Fault::Spam, Fault::Silent]) {
                    Some(Fault::Spam) => b"554 5.7.1 looks like spam\r\n",
                    silent => {
                        let header = |name: &str| source.lines().find_map(|l| l.strip_prefix(name)).unwrap_or_default().trim();
                        let id = header("Message-ID:").trim_matches(['<', '>']).to_owned();
                        self.got.lock().unwrap().push(Got { to: to.clone(), id, source: source.clone() });
                        if silent.is_some() {
                            return Ok(());
                        }
                        b"250 2.0.0 taken\r\n"
                    }
                }
            } else if verb.starts_with("QUIT") {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(());
            } else {
                b"250 ok\r\n"
            };
            stream.write_all(answer).await?;
        }
    }

    /// Waits until so many mails are there.
    pub async fn mails(&self, count: usize) -> Vec<Got> {
        for _ in 0..200 {
            if self.got.lock().unwrap().len() >= count {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        self.got.lock().unwrap().clone()
    }
}

/// A part of a mail as people read it.
pub fn decoded(source: &str, kind: &str) -> String {
    let part = source.split(&format!("Content-Type: {kind}")).nth(1).unwrap_or_default();
    let body = part.split_once("\r\n\r\n").map(|p| p.1).unwrap_or_default();
    // A boundary, and no mark of a signature.
    let end = body.match_indices("\r\n--").find(|(at, _)| !body[at + 4..].starts_with([' ', '='])).map_or(body.len(), |m| m.0);
    let body = body[..end].replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = body.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'=' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&tail[..2]).unwrap(), 16).unwrap());
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).unwrap()
}
