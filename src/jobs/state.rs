//! The states of a job and every way from one to another.

use serde::{Deserialize, Serialize};

/// Where a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits for a worker and for memory.
    Queued,
    /// Computes.
    Running,
    /// Has asked its owner for values, and holds neither a worker nor memory.
    AwaitingAnswers,
    /// Was told to stop and will within one block of work.
    Cancelling,
    /// Ended with a result.
    Succeeded,
    /// Ended without.
    Failed,
    /// Was stopped by its owner.
    Cancelled,
}

/// What happens to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// A worker takes it.
    Start,
    /// Its run was cut short by the service, which will take it up again.
    Requeue,
    /// The service died during its run, and takes it up again.
    Resume,
    /// Its run needs values that its owner has.
    Ask,
    /// Its owner has given them.
    Answer,
    /// Its owner has not given them in time.
    GiveUp,
    /// Its owner wants it stopped.
    Cancel,
    /// Its run reached an end that counts as success.
    Succeed,
    /// Its run cannot be completed.
    Fail,
    /// Its run has stopped for its owner.
    Stop,
}

impl Event {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Requeue => "requeue",
            Self::Resume => "resume",
            Self::Ask => "ask",
            Self::Answer => "answer",
            Self::GiveUp => "give_up",
            Self::Cancel => "cancel",
            Self::Succeed => "succeed",
            Self::Fail => "fail",
            Self::Stop => "stop",
        }
    }
}

/// An event that the state does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a job that is {from:?} cannot {event:?}")]
pub struct Forbidden {
    /// The state it is in.
    pub from: State,
    /// What was to happen.
    pub event: Event,
}

impl State {
    /// The state after `event`.
    ///
    /// # Errors
    /// [`Forbidden`] where there is no such way; always in a terminal state.
    pub fn after(self, event: Event) -> Result<State, Forbidden> {
        match (self, event) {
            (State::Queued, Event::Start) => Ok(State::Running),
            // The worker only stores what was chosen before.
            (State::Cancelling, Event::Start | Event::Resume) => Ok(State::Cancelling),
            (State::Queued, Event::Cancel) => Ok(State::Cancelled),
            (State::Running, Event::Requeue | Event::Resume) => Ok(State::Queued),
            (State::Running, Event::Ask) => Ok(State::AwaitingAnswers),
            (State::AwaitingAnswers, Event::Answer) => Ok(State::Queued),
            (State::AwaitingAnswers, Event::GiveUp) => Ok(State::Cancelling),
            (State::Running | State::AwaitingAnswers, Event::Cancel) => Ok(State::Cancelling),
            // The run may have ended, well or badly, before it saw the request to stop.
            (State::Running | State::Cancelling, Event::Succeed) => Ok(State::Succeeded),
            (State::Queued | State::Running | State::Cancelling, Event::Fail) => Ok(State::Failed),
            (State::Cancelling, Event::Cancel) => Ok(State::Cancelling),
            (State::Cancelling, Event::Stop) => Ok(State::Cancelled),
            (from, event) => Err(Forbidden { from, event }),
        }
    }

    /// Whether it may still change.
    pub fn is_live(self) -> bool {
        !self.is_terminal()
    }

    /// Whether nothing leaves this state.
    pub fn is_terminal(self) -> bool {
        matches!(self, State::Succeeded | State::Failed | State::Cancelled)
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, State};
    use Event::{Answer, Ask, Cancel, Fail, GiveUp, Requeue, Resume, Start, Stop, Succeed};
    use State::{AwaitingAnswers, Cancelled, Cancelling, Failed, Queued, Running, Succeeded};

    const STATES: [State; 7] = [Queued, Running, AwaitingAnswers, Cancelling, Succeeded, Failed, Cancelled];

    #[test]
    fn the_table_of_transitions_is_this_one_and_no_other() {
        let table = [
            (Start, [Some(Running), None, None, Some(Cancelling), None, None, None]),
            (Requeue, [None, Some(Queued), None, None, None, None, None]),
            (Resume, [None, Some(Queued), None, Some(Cancelling), None, None, None]),
            (Ask, [None, Some(AwaitingAnswers), None, None, None, None, None]),
            (Answer, [None, None, Some(Queued), None, None, None, None]),
            (GiveUp, [None, None, Some(Cancelling), None, None, None, None]),
            (
                Cancel,
                [Some(Cancelled), Some(Cancelling), Some(Cancelling), Some(Cancelling), None, None, None],
            ),
            (Succeed, [None, Some(Succeeded), None, Some(Succeeded), None, None, None]),
            (Fail, [Some(Failed), Some(Failed), None, Some(Failed), None, None, None]),
            (Stop, [None, None, None, Some(Cancelled), None, None, None]),
        ];
        for (event, row) in table {
            for (from, expected) in STATES.into_iter().zip(row) {
                assert_eq!(from.after(event).ok(), expected, "{from:?} {event:?}");
                assert!(!from.is_terminal() || expected.is_none(), "{from:?} is left by {event:?}");
            }
        }
    }
}
