//! Which commands an arm obeys, and whose.

use super::{Denial, Event, Gate, Phase};
use apprentice_core::JointCommand;

impl Gate {
    /// A command from `client`: taken, or refused and counted. `measured` are the joints as they are.
    ///
    /// # Errors
    /// Why it is not obeyed; the command before it still holds.
    pub fn admit(
        &mut self,
        client: u32,
        command: &JointCommand,
        measured: &[f64],
        now_ns: u64,
    ) -> Result<(), Denial> {
        let judged = self
            .may_command(client, command.sequence, now_ns)
            .and_then(|()| self.budget.judge(command, measured));
        match judged {
            Ok(()) => {
                self.take(command);
                self.message_accepted(client, command.sequence, now_ns);
            }
            Err(denial) => self.denials.count(denial),
        }
        judged
    }

    /// Commands to come at their times from `client`: whether they may. `first` is due now and is taken by
    /// [`Gate::admit_due`], as each other one is once it is due; together they count as one message, so that
    /// they bridge no longer a silence than a single command does.
    ///
    /// # Errors
    /// Why they are not obeyed; what was sent before still holds.
    pub fn begin_chunk(
        &mut self,
        client: u32,
        first: &JointCommand,
        measured: &[f64],
        now_ns: u64,
    ) -> Result<(), Denial> {
        let judged = self
            .may_command(client, first.sequence, now_ns)
            .and_then(|()| self.budget.judge(first, measured));
        match judged {
            Ok(()) => self.message_accepted(client, first.sequence, now_ns),
            Err(denial) => self.denials.count(denial),
        }
        judged
    }

    /// A command of the chunk that was begun last is due.
    ///
    /// # Errors
    /// Why it is not obeyed.
    pub fn admit_due(
        &mut self,
        command: &JointCommand,
        measured: &[f64],
        now_ns: u64,
    ) -> Result<(), Denial> {
        self.budget.credit(now_ns);
        let judged = if self.tick(now_ns) != Phase::Active {
            Err(Denial::NotActive)
        } else if !self.is_measured(now_ns) {
            Err(Denial::State)
        } else {
            self.budget.judge(command, measured)
        };
        match judged {
            Ok(()) => self.take(command),
            Err(denial) => self.denials.count(denial),
        }
        judged
    }

    /// Whether `client` may command at all now. Silence is judged here too: whoever moves the arm may be late
    /// with [`Gate::tick`].
    fn may_command(&mut self, client: u32, sequence: u64, now_ns: u64) -> Result<(), Denial> {
        self.tick(now_ns);
        self.budget.credit(now_ns);
        self.check_owner(Event::Command, client)?;
        self.state.on(Event::Command)?;
        self.sequences.check(client, sequence)?;
        if self.is_measured(now_ns) {
            Ok(())
        } else {
            Err(Denial::State)
        }
    }

    fn take(&mut self, command: &JointCommand) {
        self.budget.take(command);
        self.accepted += 1;
    }

    fn message_accepted(&mut self, client: u32, sequence: u64, now_ns: u64) {
        self.sequences.take(client, sequence);
        self.last_message_ns = self.last_message_ns.max(now_ns);
        self.happens(Event::Command);
    }
}
