//! How long a connection's next head may take, for `hyper`: one alarm a connection, set anew only when it goes off. `hyper` asks for one before
//! every request and drops it as soon as the request is there; to register and cancel thousands a second costs more than reading them.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

type Alarm = Arc<Mutex<Option<Pin<Box<tokio::time::Sleep>>>>>;

/// One connection's.
#[derive(Clone, Debug, Default)]
pub struct Timer(Alarm);

impl hyper::rt::Timer for Timer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(Sleep { alarm: self.0.clone(), deadline: deadline.into() })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into()
    }
}

struct Sleep {
    alarm: Alarm,
    deadline: tokio::time::Instant,
}

impl hyper::rt::Sleep for Sleep {}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut alarm = self.alarm.lock().unwrap_or_else(|e| e.into_inner());
        let alarm = alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(self.deadline)));
        if alarm.deadline() > self.deadline {
            alarm.as_mut().reset(self.deadline);
        }
        loop {
            ready!(alarm.as_mut().poll(context));
            // It was set for an earlier request.
            if alarm.deadline() >= self.deadline {
                return Poll::Ready(());
            }
            alarm.as_mut().reset(self.deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::rt::Timer as _;

    use super::*;

    #[tokio::test]
    async fn each_wait_ends_in_its_own_time_and_no_sooner() {
        let (timer, ms) = (Timer::default(), Duration::from_millis);
        // Asked for and dropped, as for a request that came at once: what comes next does not end when it would have.
        let mut dropped = timer.sleep(ms(400));
        assert!(tokio::time::timeout(ms(1), &mut dropped).await.is_err());
        drop(dropped);
        let began = Instant::now();
        timer.sleep(ms(600)).await;
        assert!(began.elapsed() >= ms(600), "{:?}", began.elapsed());
        // The alarm has gone off: it is set again.
        timer.sleep(ms(10)).await;
        assert!(began.elapsed() >= ms(610), "{:?}", began.elapsed());
        // Set for later than what is asked next.
        assert!(tokio::time::timeout(ms(1), timer.sleep(Duration::from_secs(86_400))).await.is_err());
        timer.sleep(ms(5)).await;
    }
}
